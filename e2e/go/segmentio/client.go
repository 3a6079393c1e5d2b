// Package segmentio plays the scenario with segmentio's kafka-go. Left out is what the library lacks: an idempotent
// or transactional producer, a reader that passes over aborted records, and groups of KIP-848.
package segmentio

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"tidegate/e2e/scenario"
)

type client struct {
	brokers []string
	login   sasl.Mechanism
	tls     *tls.Config
	shared  scenario.Client
}

// New is the client with all its steps.
func New(config scenario.Config) (scenario.Client, error) {
	c := &client{brokers: config.Brokers(), shared: scenario.Client{Code: code}}
	c.shared.Steps = map[string]scenario.Step{
		"list":                c.list,
		"produce":             c.produce,
		"consume":             c.consume,
		"read-from-beginning": c.readFromBeginning,
		"read-from-time":      c.readFromTime,
		"list-groups":         c.listGroups,
		"describe-group":      c.describeGroup,
		"reset-offsets":       c.resetOffsets,
		"delete-group":        c.deleteGroup,
	}
	var loginErr, tlsErr error
	c.login, loginErr = login(config)
	c.tls, tlsErr = config.TLS()
	return c.shared, errors.Join(loginErr, tlsErr)
}

func login(config scenario.Config) (sasl.Mechanism, error) {
	switch config.Mechanism {
	case "PLAIN":
		return plain.Mechanism{Username: config.User, Password: config.Password}, nil
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, config.User, config.Password)
	case "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, config.User, config.Password)
	}
	return nil, nil
}

func code(err error) (int16, bool) {
	var refused kafka.Error
	if !errors.As(err, &refused) {
		return 0, false
	}
	return int16(refused), true
}

// What the Client and the Writer go through; the Reader has a Dialer. It asks once for the topics named here, or else
// for all that there are, where one that is refused looks like one that does not exist.
func (c *client) transport(topics ...string) *kafka.Transport {
	return &kafka.Transport{SASL: c.login, TLS: c.tls, MetadataTopics: topics}
}

func (c *client) open(topics ...string) *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(c.brokers...), Transport: c.transport(topics...)}
}

func (c *client) list(ctx context.Context, _ scenario.Args) error {
	metadata, err := c.open().Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return err
	}
	names := []string{}
	for _, topic := range metadata.Topics {
		if topic.Error != nil {
			return topic.Error
		}
		if !topic.Internal {
			names = append(names, topic.Name)
		}
	}
	scenario.Topics(names)
	return nil
}

func (c *client) produce(ctx context.Context, args scenario.Args) error {
	topic, keys := args[0], args[2]
	count, err := args.Number(1)
	if err != nil {
		return err
	}
	writer := &kafka.Writer{
		Addr:         kafka.TCP(c.brokers...),
		Transport:    c.transport(topic),
		Topic:        topic,
		Balancer:     &kafka.Hash{},
		RequiredAcks: kafka.RequireAll,
		BatchTimeout: 10 * time.Millisecond,
		Completion:   report,
	}
	messages := []kafka.Message{}
	for _, record := range scenario.Outgoing(topic, keys, count) {
		messages = append(messages, kafka.Message{Key: record.Key, Value: record.Value})
	}
	err = firstError(writer.WriteMessages(ctx, messages...))
	return errors.Join(err, writer.Close())
}

// Only here the library tells where records went.
func report(messages []kafka.Message, err error) {
	if err != nil {
		return
	}
	for _, message := range messages {
		scenario.Produced(message.Topic, int32(message.Partition), message.Offset)
	}
}

func firstError(err error) error {
	var failed kafka.WriteErrors
	if !errors.As(err, &failed) {
		return err
	}
	for _, one := range failed {
		if one != nil {
			return one
		}
	}
	return err
}

// The partitions of a topic.
func (c *client) partitions(ctx context.Context, topic string) ([]int, error) {
	metadata, err := c.open(topic).Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	if len(metadata.Topics) != 1 {
		return nil, fmt.Errorf("asked for one topic, %d came", len(metadata.Topics))
	}
	if err := metadata.Topics[0].Error; err != nil {
		return nil, err
	}
	partitions := []int{}
	for _, partition := range metadata.Topics[0].Partitions {
		partitions = append(partitions, partition.ID)
	}
	return partitions, nil
}
