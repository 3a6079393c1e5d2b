package franz

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidegate/e2e/scenario"
)

func (c *client) transact(ctx context.Context, args scenario.Args) error {
	topic, transactionalID, keys, end := args[0], args[1], args[3], args[4]
	count, err := args.Number(2)
	if err != nil {
		return err
	}
	client, err := c.open(ctx, kgo.TransactionalID(transactionalID))
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		return err
	}
	results := client.ProduceSync(ctx, outgoing(topic, keys, count)...)
	if err := results.FirstErr(); err != nil {
		// The refusal is what counts; the transaction ends with its timeout at the latest.
		_ = client.EndTransaction(ctx, kgo.TryAbort)
		return err
	}
	if err := client.EndTransaction(ctx, kgo.TransactionEndTry(end == "commit")); err != nil {
		return err
	}
	return report(results)
}

func (c *client) copy(ctx context.Context, args scenario.Args) error {
	from, to, group, transactionalID := args[0], args[1], args[2], args[3]
	count, err := args.Number(4)
	if err != nil {
		return err
	}
	session, err := kgo.NewGroupTransactSession(append(append([]kgo.Opt{}, c.options...),
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(from), kgo.TransactionalID(transactionalID),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), fromStart)...)
	if err != nil {
		return err
	}
	defer session.Close()
	if err := session.Client().Ping(ctx); err != nil {
		return err
	}
	for {
		records, results, err := c.copyInOneTransaction(ctx, session, to, count)
		if err != nil {
			return err
		}
		// A rebalance in between aborts the transaction and sets the session back.
		if results == nil {
			continue
		}
		seen := scenario.NewSeen(count)
		for _, record := range records {
			seen.Add(incoming(record))
		}
		scenario.Committed()
		return report(results)
	}
}

// The records read and the acknowledgements of their copies; no acknowledgements if it has to be done again.
func (c *client) copyInOneTransaction(
	ctx context.Context, session *kgo.GroupTransactSession, to string, count int,
) ([]*kgo.Record, kgo.ProduceResults, error) {
	if err := session.Begin(); err != nil {
		return nil, nil, err
	}
	records, err := c.poll(ctx, session, count)
	var results kgo.ProduceResults
	if err == nil {
		results = session.ProduceSync(ctx, copies(records, to)...)
		err = results.FirstErr()
	}
	committed, endErr := session.End(ctx, kgo.TransactionEndTry(err == nil))
	if err != nil {
		return nil, nil, err
	}
	if c.shared.Refused(endErr) {
		return nil, nil, endErr
	}
	if !committed {
		return nil, nil, ctx.Err()
	}
	return records, results, nil
}

func (c *client) poll(ctx context.Context, session *kgo.GroupTransactSession, count int) ([]*kgo.Record, error) {
	ctx, cancel := scenario.Reading(ctx)
	defer cancel()
	records := []*kgo.Record{}
	for len(records) < count {
		fetches := session.PollRecords(ctx, count-len(records))
		if err := c.refusal(fetches); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("only %d of %d records came", len(records), count)
		}
		records = append(records, fetches.Records()...)
	}
	return records, nil
}

func copies(records []*kgo.Record, to string) []*kgo.Record {
	copies := []*kgo.Record{}
	for _, record := range records {
		copies = append(copies, &kgo.Record{Topic: to, Key: record.Key, Value: record.Value})
	}
	return copies
}
