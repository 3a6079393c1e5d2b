package segmentio

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/segmentio/kafka-go"

	"tidegate/e2e/scenario"
)

func (c *client) listGroups(ctx context.Context, _ scenario.Args) error {
	answer, err := c.open().ListGroups(ctx, &kafka.ListGroupsRequest{})
	if err != nil {
		return err
	}
	if answer.Error != nil {
		return answer.Error
	}
	names := []string{}
	for _, group := range answer.Groups {
		names = append(names, group.GroupID)
	}
	scenario.Groups(names)
	return nil
}

func (c *client) describeGroup(ctx context.Context, args scenario.Args) error {
	name := args[0]
	answer, err := c.open().DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{name}})
	if err != nil {
		return err
	}
	if len(answer.Groups) != 1 {
		return fmt.Errorf("asked for one group, %d came", len(answer.Groups))
	}
	group := answer.Groups[0]
	if group.Error != nil {
		return group.Error
	}
	offsets, err := c.open().OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: name})
	if err != nil {
		return err
	}
	if offsets.Error != nil {
		return offsets.Error
	}
	topics := slices.Collect(maps.Keys(offsets.Topics))
	for _, member := range group.Members {
		for _, assigned := range member.MemberAssignments.Topics {
			topics = append(topics, assigned.Topic)
		}
	}
	scenario.Group(name, group.GroupState, len(group.Members), topics)
	return nil
}

func (c *client) resetOffsets(ctx context.Context, args scenario.Args) error {
	group, topic := args[0], args[1]
	starts, err := c.startOffsets(ctx, topic)
	if err != nil {
		return err
	}
	answer, err := c.open().OffsetCommit(ctx, &kafka.OffsetCommitRequest{GroupID: group, GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{topic: starts}})
	if err != nil {
		return err
	}
	for _, partition := range answer.Topics[topic] {
		if partition.Error != nil {
			return partition.Error
		}
	}
	scenario.Committed()
	return nil
}

func (c *client) startOffsets(ctx context.Context, topic string) ([]kafka.OffsetCommit, error) {
	partitions, err := c.partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	wanted := []kafka.OffsetRequest{}
	for _, partition := range partitions {
		wanted = append(wanted, kafka.FirstOffsetOf(partition))
	}
	answer, err := c.open(topic).ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: wanted}})
	if err != nil {
		return nil, err
	}
	starts := []kafka.OffsetCommit{}
	for _, partition := range answer.Topics[topic] {
		if partition.Error != nil {
			return nil, partition.Error
		}
		starts = append(starts, kafka.OffsetCommit{Partition: partition.Partition, Offset: partition.FirstOffset})
	}
	return starts, nil
}

func (c *client) deleteGroup(ctx context.Context, args scenario.Args) error {
	answer, err := c.open().DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{args[0]}})
	if err != nil {
		return err
	}
	return answer.Errors[args[0]]
}
