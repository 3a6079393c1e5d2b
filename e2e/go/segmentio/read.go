package segmentio

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"tidegate/e2e/scenario"
)

// Reads with a group and commits.
func (c *client) consume(ctx context.Context, args scenario.Args) error {
	topic, group := args[0], args[1]
	count, err := args.Number(2)
	if err != nil {
		return err
	}
	settings := c.settings(topic)
	settings.GroupID = group
	settings.StartOffset = kafka.FirstOffset
	settings.JoinGroupBackoff = 200 * time.Millisecond
	reader := kafka.NewReader(settings)
	defer reader.Close()
	seen := scenario.NewSeen(count)
	if err := c.read(ctx, reader, seen); err != nil {
		return err
	}
	return c.commit(ctx, reader, topic, seen)
}

func (c *client) settings(topic string) kafka.ReaderConfig {
	return kafka.ReaderConfig{
		Brokers:  c.brokers,
		Dialer:   &kafka.Dialer{SASLMechanism: c.login, TLS: c.tls, Timeout: 10 * time.Second, DualStack: true},
		Topic:    topic,
		MinBytes: 1,
		MaxBytes: 1 << 20,
		MaxWait:  250 * time.Millisecond,
		// Errors come to us at once, and we decide which of them pass.
		MaxAttempts: 1,
	}
}

func (c *client) read(ctx context.Context, reader *kafka.Reader, seen *scenario.Seen) error {
	ctx, cancel := scenario.Reading(ctx)
	defer cancel()
	for seen.Missing() > 0 && ctx.Err() == nil {
		message, err := reader.FetchMessage(ctx)
		if err == nil {
			seen.Add(scenario.Record{Topic: message.Topic, Partition: int32(message.Partition),
				Offset: message.Offset, Key: message.Key, Value: message.Value})
		} else if c.shared.Refused(err) {
			return err
		}
	}
	return nil
}

func (c *client) commit(ctx context.Context, reader *kafka.Reader, topic string, seen *scenario.Seen) error {
	messages := []kafka.Message{}
	for partition, next := range seen.Next() {
		messages = append(messages, kafka.Message{Topic: topic, Partition: int(partition), Offset: next - 1})
	}
	if len(messages) == 0 {
		return nil
	}
	err := c.shared.Retry(ctx, func() error { return reader.CommitMessages(ctx, messages...) })
	if err == nil {
		scenario.Committed()
	}
	return err
}

func (c *client) readFromBeginning(ctx context.Context, args scenario.Args) error {
	count, err := args.Number(1)
	if err != nil {
		return err
	}
	return c.assign(ctx, args[0], count, func(reader *kafka.Reader) error {
		return reader.SetOffset(kafka.FirstOffset)
	})
}

func (c *client) readFromTime(ctx context.Context, args scenario.Args) error {
	from, err := args.Time(1)
	if err != nil {
		return err
	}
	count, err := args.Number(2)
	if err != nil {
		return err
	}
	return c.assign(ctx, args[0], count, func(reader *kafka.Reader) error {
		return reader.SetOffsetAt(ctx, from)
	})
}

// Reads every partition side by side; a reader without a group has one partition.
func (c *client) assign(ctx context.Context, topic string, count int, seek func(*kafka.Reader) error) error {
	partitions, err := c.partitions(ctx, topic)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seen := scenario.NewSeen(count)
	ends := make(chan error, len(partitions))
	for _, partition := range partitions {
		settings := c.settings(topic)
		settings.Partition = partition
		reader := kafka.NewReader(settings)
		defer reader.Close()
		if err := seek(reader); err != nil {
			return err
		}
		go func() { ends <- c.read(ctx, reader, seen) }()
	}
	// The first to end has seen the last record, met a refusal or run out of time: all have.
	return <-ends
}
