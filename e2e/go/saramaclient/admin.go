package saramaclient

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/IBM/sarama"

	"tidegate/e2e/scenario"
)

func (c *client) listGroups(context.Context, scenario.Args) error {
	return c.admin(func(_ sarama.Client, admin sarama.ClusterAdmin) error {
		groups, err := admin.ListConsumerGroups()
		if err != nil {
			return err
		}
		scenario.Groups(slices.Collect(maps.Keys(groups)))
		return nil
	})
}

func (c *client) describeGroup(_ context.Context, args scenario.Args) error {
	name := args[0]
	return c.admin(func(_ sarama.Client, admin sarama.ClusterAdmin) error {
		groups, err := admin.DescribeConsumerGroups([]string{name})
		if err != nil {
			return err
		}
		if len(groups) != 1 {
			return fmt.Errorf("asked for one group, %d came", len(groups))
		}
		group := groups[0]
		if group.Err != sarama.ErrNoError {
			return group.Err
		}
		assigned, err := assignedTopics(group)
		if err != nil {
			return err
		}
		committed, err := committedTopics(admin, name)
		if err != nil {
			return err
		}
		scenario.Group(name, group.State, len(group.Members), append(assigned, committed...))
		return nil
	})
}

func (c *client) resetOffsets(_ context.Context, args scenario.Args) error {
	group, topic := args[0], args[1]
	return c.admin(func(client sarama.Client, admin sarama.ClusterAdmin) error {
		starts, err := startOffsets(client, topic)
		if err != nil {
			return err
		}
		answer, err := admin.AlterConsumerGroupOffsets(group, starts, nil)
		if err != nil {
			return err
		}
		for _, err := range answer.Errors[topic] {
			if err != sarama.ErrNoError {
				return err
			}
		}
		scenario.Committed()
		return nil
	})
}

func (c *client) deleteGroup(_ context.Context, args scenario.Args) error {
	return c.admin(func(_ sarama.Client, admin sarama.ClusterAdmin) error {
		return admin.DeleteConsumerGroup(args[0])
	})
}

func (c *client) admin(work func(sarama.Client, sarama.ClusterAdmin) error) error {
	client, err := sarama.NewClient(c.brokers, c.config)
	if err != nil {
		return err
	}
	defer client.Close()
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return err
	}
	return work(client, admin)
}

func assignedTopics(group *sarama.GroupDescription) ([]string, error) {
	topics := []string{}
	for _, member := range group.Members {
		assignment, err := member.GetMemberAssignment()
		if err != nil {
			return nil, err
		}
		if assignment != nil {
			topics = slices.AppendSeq(topics, maps.Keys(assignment.Topics))
		}
	}
	return topics, nil
}

func committedTopics(admin sarama.ClusterAdmin, group string) ([]string, error) {
	answer, err := admin.ListConsumerGroupOffsets(group, nil)
	if err != nil {
		return nil, err
	}
	found := answer.GetGroup(group)
	if found == nil {
		return nil, fmt.Errorf("no offsets for the group %s in the answer", group)
	}
	return slices.Collect(maps.Keys(found.Blocks)), nil
}

func startOffsets(client sarama.Client, topic string) (map[string]map[int32]sarama.OffsetAndMetadata, error) {
	partitions, err := client.Partitions(topic)
	if err != nil {
		return nil, err
	}
	starts := map[int32]sarama.OffsetAndMetadata{}
	for _, partition := range partitions {
		offset, err := client.GetOffset(topic, partition, sarama.OffsetOldest)
		if err != nil {
			return nil, err
		}
		starts[partition] = sarama.OffsetAndMetadata{Offset: offset, LeaderEpoch: -1}
	}
	return map[string]map[int32]sarama.OffsetAndMetadata{topic: starts}, nil
}
