// Package saramaclient plays the scenario with sarama.
package saramaclient

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"

	"tidegate/e2e/scenario"
)

type client struct {
	brokers []string
	config  *sarama.Config
	shared  scenario.Client
}

// New is the client with all its steps.
func New(config scenario.Config) (scenario.Client, error) {
	settings, err := settings(config)
	c := &client{brokers: config.Brokers(), config: settings, shared: scenario.Client{Code: code}}
	c.shared.Steps = map[string]scenario.Step{
		"list":                c.list,
		"produce":             c.produce,
		"consume":             c.consume(sarama.ReadUncommitted),
		"consume-committed":   c.consume(sarama.ReadCommitted),
		"read-from-beginning": c.readFromBeginning,
		"read-from-time":      c.readFromTime,
		"transact":            c.transact,
		"copy":                c.copy,
		"list-groups":         c.listGroups,
		"describe-group":      c.describeGroup,
		"reset-offsets":       c.resetOffsets,
		"delete-group":        c.deleteGroup,
	}
	return c.shared, err
}

func settings(config scenario.Config) (*sarama.Config, error) {
	settings := sarama.NewConfig()
	// The newest that both kinds of cluster have; sarama still asks for the versions.
	settings.Version = sarama.V3_9_1_0
	settings.Metadata.AllowAutoTopicCreation = false
	settings.Producer.Idempotent = true
	settings.Producer.RequiredAcks = sarama.WaitForAll
	settings.Producer.Return.Successes = true
	settings.Net.MaxOpenRequests = 1
	settings.Consumer.Offsets.Initial = sarama.OffsetOldest
	settings.Consumer.Offsets.AutoCommit.Enable = false
	settings.Consumer.Return.Errors = true
	settings.Consumer.MaxWaitTime = 250 * time.Millisecond
	logIn(settings, config)
	tls, err := config.TLS()
	settings.Net.TLS.Enable = tls != nil
	settings.Net.TLS.Config = tls
	return settings, err
}

func code(err error) (int16, bool) {
	var refused sarama.KError
	if errors.As(err, &refused) {
		return int16(refused), true
	}
	// The code of a failed login is there for errors.Is alone.
	if errors.Is(err, sarama.ErrSASLAuthenticationFailed) {
		return int16(sarama.ErrSASLAuthenticationFailed), true
	}
	return 0, false
}

// The settings with changes that only one step wants.
func (c *client) with(change func(*sarama.Config)) *sarama.Config {
	settings := *c.config
	change(&settings)
	return &settings
}

func (c *client) list(context.Context, scenario.Args) error {
	client, err := sarama.NewClient(c.brokers, c.config)
	if err != nil {
		return err
	}
	defer client.Close()
	names, err := client.Topics()
	if err != nil {
		return err
	}
	scenario.Topics(names)
	return nil
}

func (c *client) produce(_ context.Context, args scenario.Args) error {
	topic, keys := args[0], args[2]
	count, err := args.Number(1)
	if err != nil {
		return err
	}
	producer, err := sarama.NewSyncProducer(c.brokers, c.config)
	if err != nil {
		return err
	}
	defer producer.Close()
	messages := outgoing(scenario.Outgoing(topic, keys, count))
	if err := send(producer, messages); err != nil {
		return err
	}
	report(messages)
	return nil
}

func outgoing(records []scenario.Record) []*sarama.ProducerMessage {
	messages := []*sarama.ProducerMessage{}
	for _, record := range records {
		messages = append(messages, &sarama.ProducerMessage{Topic: record.Topic,
			Key: sarama.ByteEncoder(record.Key), Value: sarama.ByteEncoder(record.Value)})
	}
	return messages
}

// The first error that the other side gave: those behind it only say that the producer gave up.
func send(producer sarama.SyncProducer, messages []*sarama.ProducerMessage) error {
	err := producer.SendMessages(messages)
	var failed sarama.ProducerErrors
	if !errors.As(err, &failed) {
		return err
	}
	for _, one := range failed {
		if _, refused := code(one.Err); refused {
			return one.Err
		}
	}
	return failed[0].Err
}

func report(messages []*sarama.ProducerMessage) {
	for _, message := range messages {
		scenario.Produced(message.Topic, message.Partition, message.Offset)
	}
}
