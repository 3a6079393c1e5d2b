package saramaclient

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"tidegate/e2e/scenario"
)

// A step that reads with a group and commits.
func (c *client) consume(isolation sarama.IsolationLevel) scenario.Step {
	return func(ctx context.Context, args scenario.Args) error {
		topic, group := args[0], args[1]
		count, err := args.Number(2)
		if err != nil {
			return err
		}
		seen := scenario.NewSeen(count)
		member, err := c.join(group, isolation)
		if err != nil {
			return err
		}
		defer member.Close()
		if err := c.readAndCommit(ctx, member, topic, group, seen); err != nil {
			return err
		}
		if len(seen.Records()) > 0 {
			scenario.Committed()
		}
		return nil
	}
}

func (c *client) join(group string, isolation sarama.IsolationLevel) (sarama.ConsumerGroup, error) {
	settings := c.with(func(settings *sarama.Config) { settings.Consumer.IsolationLevel = isolation })
	return sarama.NewConsumerGroup(c.brokers, group, settings)
}

// A session commits what was seen when it ends, and tells nobody whether it could: so ask the group.
func (c *client) readAndCommit(
	ctx context.Context, member sarama.ConsumerGroup, topic, group string, seen *scenario.Seen,
) error {
	for {
		if err := c.read(ctx, member, topic, seen, true); err != nil {
			return err
		}
		if len(seen.Records()) == 0 {
			return nil
		}
		done, err := c.isCommitted(topic, group, seen)
		if err != nil || done {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the offsets of %d records were not committed", len(seen.Records()))
		}
	}
}

// Joins until everything is seen or the time is over.
func (c *client) read(
	ctx context.Context, member sarama.ConsumerGroup, topic string, seen *scenario.Seen, commits bool,
) error {
	ctx, cancel := scenario.Reading(ctx)
	defer cancel()
	refusals := c.watch(ctx, member.Errors(), cancel)
	reader := &reader{topic: topic, seen: seen, commits: commits}
	for first := true; first || (seen.Missing() > 0 && ctx.Err() == nil); first = false {
		err := member.Consume(ctx, []string{topic}, reader)
		if c.shared.Refused(err) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
		}
	}
	select {
	case err := <-refusals:
		return err
	default:
		return nil
	}
}

// The first error that does not pass, which ends the reading.
func (c *client) watch(ctx context.Context, errors <-chan error, cancel func()) <-chan error {
	refusals := make(chan error, 1)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case err := <-errors:
				if c.shared.Refused(err) {
					refusals <- err
					cancel()
					return
				}
			}
		}
	}()
	return refusals
}

func (c *client) isCommitted(topic, group string, seen *scenario.Seen) (bool, error) {
	admin, err := sarama.NewClusterAdmin(c.brokers, c.config)
	if err != nil {
		return false, err
	}
	defer admin.Close()
	partitions := []int32{}
	for partition := range seen.Next() {
		partitions = append(partitions, partition)
	}
	found, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: partitions})
	if err != nil {
		return false, err
	}
	for partition, next := range seen.Next() {
		block := found.GetGroupBlock(group, topic, partition)
		if block == nil || block.Offset != next {
			return false, nil
		}
	}
	return true, nil
}

// What sarama calls in a session. The first claim that has enough ends the session for all of them.
type reader struct {
	topic   string
	seen    *scenario.Seen
	commits bool
}

func (*reader) Setup(sarama.ConsumerGroupSession) error { return nil }

func (r *reader) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for r.seen.Missing() > 0 {
		select {
		case <-session.Context().Done():
			return nil
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			r.seen.Add(incoming(message))
		}
	}
	return nil
}

func (r *reader) Cleanup(session sarama.ConsumerGroupSession) error {
	if r.commits {
		for partition, next := range r.seen.Next() {
			session.MarkOffset(r.topic, partition, next, "")
		}
		session.Commit()
	}
	return nil
}

func incoming(message *sarama.ConsumerMessage) scenario.Record {
	return scenario.Record{Topic: message.Topic, Partition: message.Partition, Offset: message.Offset,
		Key: message.Key, Value: message.Value}
}
