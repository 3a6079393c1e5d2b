// Package franz plays the scenario with franz-go.
package franz

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"tidegate/e2e/scenario"
)

type client struct {
	options []kgo.Opt
	shared  scenario.Client
}

// New is the client with all its steps.
func New(config scenario.Config) (scenario.Client, error) {
	options, err := options(config)
	c := &client{options: options, shared: scenario.Client{Code: code}}
	c.shared.Steps = map[string]scenario.Step{
		"list":                c.list,
		"produce":             c.produce,
		"consume":             c.consume(),
		"consume-next":        c.consume(kgo.Balancers(kgo.RangeBalancer()), kgo.ServerSideBalancer()),
		"consume-committed":   c.consume(kgo.FetchIsolationLevel(kgo.ReadCommitted())),
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

func options(config scenario.Config) ([]kgo.Opt, error) {
	// A fetch that waits the library's five seconds on an empty partition would hold up the others.
	options := []kgo.Opt{kgo.SeedBrokers(config.Brokers()...), kgo.FetchMaxWait(250 * time.Millisecond)}
	switch config.Mechanism {
	case "PLAIN":
		options = append(options, kgo.SASL(plain.Auth{User: config.User, Pass: config.Password}.AsMechanism()))
	case "SCRAM-SHA-256":
		options = append(options, kgo.SASL(scram.Auth{User: config.User, Pass: config.Password}.AsSha256Mechanism()))
	case "SCRAM-SHA-512":
		options = append(options, kgo.SASL(scram.Auth{User: config.User, Pass: config.Password}.AsSha512Mechanism()))
	}
	tls, err := config.TLS()
	if tls != nil {
		options = append(options, kgo.DialTLSConfig(tls))
	}
	return options, err
}

func code(err error) (int16, bool) {
	var refused *kerr.Error
	if !errors.As(err, &refused) {
		return 0, false
	}
	return refused.Code, true
}

// A client that has logged in: later on a failed login is repeated without end, and a group tells nobody.
func (c *client) open(ctx context.Context, more ...kgo.Opt) (*kgo.Client, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, c.options...), more...)...)
	if err != nil {
		return nil, err
	}
	if err := client.Ping(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}

func (c *client) list(ctx context.Context, _ scenario.Args) error {
	client, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	answer, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client)
	if err != nil {
		return err
	}
	names := []string{}
	for _, topic := range answer.Topics {
		if err := kerr.ErrorForCode(topic.ErrorCode); err != nil {
			return err
		}
		if !topic.IsInternal {
			names = append(names, *topic.Topic)
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
	client, err := c.open(ctx, kgo.RecordDeliveryTimeout(scenario.Working), kgo.UnknownTopicRetries(3))
	if err != nil {
		return err
	}
	defer client.Close()
	return report(client.ProduceSync(ctx, outgoing(topic, keys, count)...))
}

func outgoing(topic, keys string, count int) []*kgo.Record {
	records := []*kgo.Record{}
	for _, record := range scenario.Outgoing(topic, keys, count) {
		records = append(records, &kgo.Record{Topic: record.Topic, Key: record.Key, Value: record.Value})
	}
	return records
}

// Prints what was acknowledged, up to the first failure.
func report(results kgo.ProduceResults) error {
	for _, result := range results {
		if result.Err != nil {
			return result.Err
		}
		at := result.Record
		scenario.Produced(at.Topic, at.Partition, at.Offset)
	}
	return nil
}
