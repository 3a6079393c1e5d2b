package client;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** Looking after groups. */
final class Groups {
    private Groups() {}

    static void list(Properties properties) throws Exception {
        try (var admin = Admin.create(properties)) {
            var groups = admin.listGroups().all().get();
            Lines.names("groups", groups.stream().map(GroupListing::groupId).toList());
        }
    }

    static void describe(Properties properties, String group) throws Exception {
        try (var admin = Admin.create(properties)) {
            ConsumerGroupDescription found =
                    admin.describeConsumerGroups(List.of(group)).all().get().get(group);
            var offsets = admin.listConsumerGroupOffsets(group)
                    .partitionsToOffsetAndMetadata()
                    .get();
            var topics = new TreeSet<String>();
            offsets.keySet().forEach(partition -> topics.add(partition.topic()));
            found.members()
                    .forEach(member -> member.assignment()
                            .topicPartitions()
                            .forEach(partition -> topics.add(partition.topic())));
            Lines.group(
                    found.groupId(), found.groupState().toString(), found.members().size(), topics);
        }
    }

    static void resetOffsets(Properties properties, String group, String topic) throws Exception {
        try (var admin = Admin.create(properties)) {
            Map<TopicPartition, OffsetSpec> earliest = new HashMap<>();
            var description = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
            for (var partition : description.partitions()) {
                earliest.put(new TopicPartition(topic, partition.partition()), OffsetSpec.earliest());
            }
            Map<TopicPartition, ListOffsetsResultInfo> found =
                    admin.listOffsets(earliest).all().get();
            Map<TopicPartition, OffsetAndMetadata> offsets = found.entrySet().stream()
                    .collect(Collectors.toMap(
                            Map.Entry::getKey, entry -> new OffsetAndMetadata(entry.getValue().offset())));
            admin.alterConsumerGroupOffsets(group, offsets).all().get();
            Lines.committed();
        }
    }

    static void delete(Properties properties, String group) throws Exception {
        try (var admin = Admin.create(properties)) {
            admin.deleteConsumerGroups(List.of(group)).all().get();
        }
    }
}
