package saramaclient

import (
	"context"
	"time"

	"github.com/IBM/sarama"

	"tidegate/e2e/scenario"
)

func (c *client) readFromBeginning(ctx context.Context, args scenario.Args) error {
	count, err := args.Number(1)
	if err != nil {
		return err
	}
	return c.assign(ctx, args[0], count, sarama.OffsetOldest)
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
	return c.assign(ctx, args[0], count, from.UnixMilli())
}

// Reads every partition, from the offset that the timestamp or one of sarama's constants stands for.
func (c *client) assign(ctx context.Context, topic string, count int, at int64) error {
	client, err := sarama.NewClient(c.brokers, c.config)
	if err != nil {
		return err
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return err
	}
	defer consumer.Close()
	partitions, err := client.Partitions(topic)
	if err != nil {
		return err
	}
	readers := []sarama.PartitionConsumer{}
	defer func() {
		for _, reader := range readers {
			reader.AsyncClose()
		}
	}()
	for _, partition := range partitions {
		// -1, the end of the partition, where nothing is as young: sarama's constant for it is the same.
		offset, err := client.GetOffset(topic, partition, at)
		if err != nil {
			return err
		}
		reader, err := consumer.ConsumePartition(topic, partition, offset)
		if err != nil {
			return err
		}
		readers = append(readers, reader)
	}
	return c.readAll(ctx, readers, scenario.NewSeen(count))
}

func (c *client) readAll(ctx context.Context, readers []sarama.PartitionConsumer, seen *scenario.Seen) error {
	ctx, cancel := scenario.Reading(ctx)
	defer cancel()
	for seen.Missing() > 0 && ctx.Err() == nil {
		for _, reader := range readers {
			select {
			case message := <-reader.Messages():
				if message != nil {
					seen.Add(incoming(message))
				}
			case failed := <-reader.Errors():
				if failed != nil && c.shared.Refused(failed) {
					return failed
				}
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	return nil
}
