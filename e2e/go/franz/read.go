package franz

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidegate/e2e/scenario"
)

// A step that reads with a group and commits.
func (c *client) consume(more ...kgo.Opt) scenario.Step {
	return func(ctx context.Context, args scenario.Args) error {
		topic, group := args[0], args[1]
		count, err := args.Number(2)
		if err != nil {
			return err
		}
		client, err := c.open(ctx, append(more, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
			kgo.DisableAutoCommit(), fromStart)...)
		if err != nil {
			return err
		}
		defer client.Close()
		seen := scenario.NewSeen(count)
		if err := c.read(ctx, client, seen); err != nil {
			return err
		}
		if err := c.commit(ctx, client, seen); err != nil {
			return err
		}
		return client.LeaveGroupContext(ctx)
	}
}

var fromStart = kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())

func (c *client) readFromBeginning(ctx context.Context, args scenario.Args) error {
	count, err := args.Number(1)
	if err != nil {
		return err
	}
	return c.assign(ctx, args[0], count, fromStart)
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
	return c.assign(ctx, args[0], count, kgo.ConsumeResetOffset(kgo.NewOffset().AfterMilli(from.UnixMilli())))
}

// Without a group franz-go takes every partition of the topic.
func (c *client) assign(ctx context.Context, topic string, count int, from kgo.Opt) error {
	client, err := c.open(ctx, kgo.ConsumeTopics(topic), from)
	if err != nil {
		return err
	}
	defer client.Close()
	return c.read(ctx, client, scenario.NewSeen(count))
}

func (c *client) read(ctx context.Context, client *kgo.Client, seen *scenario.Seen) error {
	ctx, cancel := scenario.Reading(ctx)
	defer cancel()
	for seen.Missing() > 0 && ctx.Err() == nil {
		fetches := client.PollRecords(ctx, seen.Missing())
		if err := c.refusal(fetches); err != nil {
			return err
		}
		fetches.EachRecord(func(record *kgo.Record) { seen.Add(incoming(record)) })
	}
	return nil
}

// The first error that does not pass; the library itself repeats what the connection breaks.
func (c *client) refusal(fetches kgo.Fetches) error {
	for _, failed := range fetches.Errors() {
		if c.shared.Refused(failed.Err) {
			return failed.Err
		}
	}
	return nil
}

func incoming(record *kgo.Record) scenario.Record {
	return scenario.Record{Topic: record.Topic, Partition: record.Partition, Offset: record.Offset,
		Key: record.Key, Value: record.Value}
}

func (c *client) commit(ctx context.Context, client *kgo.Client, seen *scenario.Seen) error {
	records := []*kgo.Record{}
	for _, record := range seen.Records() {
		records = append(records, &kgo.Record{Topic: record.Topic, Partition: record.Partition,
			Offset: record.Offset, LeaderEpoch: -1})
	}
	if len(records) == 0 {
		return nil
	}
	err := c.shared.Retry(ctx, func() error { return client.CommitRecords(ctx, records...) })
	if err == nil {
		scenario.Committed()
	}
	return err
}
