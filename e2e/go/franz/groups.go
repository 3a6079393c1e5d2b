package franz

import (
	"context"
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"tidegate/e2e/scenario"
)

func (c *client) listGroups(ctx context.Context, _ scenario.Args) error {
	return c.admin(ctx, func(admin *kadm.Client) error {
		groups, err := admin.ListGroups(ctx)
		if err != nil {
			return err
		}
		scenario.Groups(groups.Groups())
		return nil
	})
}

func (c *client) describeGroup(ctx context.Context, args scenario.Args) error {
	name := args[0]
	return c.admin(ctx, func(admin *kadm.Client) error {
		group, err := describe(ctx, admin, name)
		if err != nil {
			return err
		}
		offsets, err := admin.FetchOffsets(ctx, name)
		if err != nil {
			return err
		}
		if err := offsets.Error(); err != nil {
			return err
		}
		scenario.Group(name, group.state, group.members, slices.Concat(group.topics, offsets.Partitions().Topics()))
		return nil
	})
}

func (c *client) resetOffsets(ctx context.Context, args scenario.Args) error {
	group, topic := args[0], args[1]
	return c.admin(ctx, func(admin *kadm.Client) error {
		starts, err := admin.ListStartOffsets(ctx, topic)
		if err == nil {
			err = starts.Error()
		}
		if err != nil {
			return err
		}
		if err := admin.CommitAllOffsets(ctx, group, starts.Offsets()); err != nil {
			return err
		}
		scenario.Committed()
		return nil
	})
}

func (c *client) deleteGroup(ctx context.Context, args scenario.Args) error {
	return c.admin(ctx, func(admin *kadm.Client) error {
		_, err := admin.DeleteGroup(ctx, args[0])
		return err
	})
}

func (c *client) admin(ctx context.Context, work func(*kadm.Client) error) error {
	client, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	return work(kadm.NewClient(client))
}

type described struct {
	state   string
	members int
	topics  []string
}

// The classic answer, or that of KIP-848 where the group is not a classic one.
func describe(ctx context.Context, admin *kadm.Client, name string) (described, error) {
	classic, err := describeClassic(ctx, admin, name)
	absent := errors.Is(err, kerr.GroupIDNotFound) || (err == nil && classic.state == "Dead")
	if absent {
		if next, nextErr := describeNext(ctx, admin, name); nextErr == nil {
			return next, nil
		}
	}
	return classic, err
}

func describeClassic(ctx context.Context, admin *kadm.Client, name string) (described, error) {
	groups, err := admin.DescribeGroups(ctx, name)
	if err != nil {
		return described{}, err
	}
	group := groups[name]
	return described{group.State, len(group.Members), group.AssignedPartitions().Topics()}, group.Err
}

func describeNext(ctx context.Context, admin *kadm.Client, name string) (described, error) {
	groups, err := admin.DescribeConsumerGroups(ctx, name)
	if err != nil {
		return described{}, err
	}
	group := groups[name]
	topics := []string{}
	for _, member := range group.Members {
		topics = append(topics, member.Assignment.Topics()...)
	}
	return described{group.State, len(group.Members), topics}, group.Err
}
