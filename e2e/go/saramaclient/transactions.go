package saramaclient

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"

	"tidegate/e2e/scenario"
)

func (c *client) transact(_ context.Context, args scenario.Args) error {
	topic, transactionalID, keys, end := args[0], args[1], args[3], args[4]
	count, err := args.Number(2)
	if err != nil {
		return err
	}
	messages := outgoing(scenario.Outgoing(topic, keys, count))
	err = c.inTransaction(transactionalID, end == "commit", func(producer sarama.SyncProducer) error {
		return send(producer, messages)
	})
	if err == nil {
		report(messages)
	}
	return err
}

func (c *client) copy(ctx context.Context, args scenario.Args) error {
	from, to, group, transactionalID := args[0], args[1], args[2], args[3]
	count, err := args.Number(4)
	if err != nil {
		return err
	}
	member, err := c.join(group, sarama.ReadCommitted)
	if err != nil {
		return err
	}
	defer member.Close()
	seen := scenario.NewSeen(count)
	if err := c.read(ctx, member, from, seen, false); err != nil {
		return err
	}
	if seen.Missing() > 0 {
		return fmt.Errorf("only %d of %d records came", len(seen.Records()), count)
	}
	copies := outgoing(seen.Records())
	for _, message := range copies {
		message.Topic = to
	}
	err = c.inTransaction(transactionalID, true, func(producer sarama.SyncProducer) error {
		if err := send(producer, copies); err != nil {
			return err
		}
		return producer.AddOffsetsToTxn(offsets(from, seen), group)
	})
	if err == nil {
		scenario.Committed()
		report(copies)
	}
	return err
}

func (c *client) inTransaction(id string, commit bool, work func(sarama.SyncProducer) error) error {
	settings := c.with(func(settings *sarama.Config) { settings.Producer.Transaction.ID = id })
	producer, err := sarama.NewSyncProducer(c.brokers, settings)
	if err != nil {
		return err
	}
	defer producer.Close()
	if err := producer.BeginTxn(); err != nil {
		return err
	}
	if err := work(producer); err != nil {
		// The refusal is what counts; the transaction ends with its timeout at the latest.
		_ = producer.AbortTxn()
		return err
	}
	if commit {
		return producer.CommitTxn()
	}
	return producer.AbortTxn()
}

func offsets(topic string, seen *scenario.Seen) map[string][]*sarama.PartitionOffsetMetadata {
	offsets := []*sarama.PartitionOffsetMetadata{}
	for partition, next := range seen.Next() {
		offsets = append(offsets, &sarama.PartitionOffsetMetadata{Partition: partition, Offset: next, LeaderEpoch: -1})
	}
	return map[string][]*sarama.PartitionOffsetMetadata{topic: offsets}
}
