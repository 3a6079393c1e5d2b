package client;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.TopicPartition;

/** Reading without a group. */
final class Read {
    private Read() {}

    static void fromBeginning(Properties properties, String topic, int count) {
        try (var consumer = new KafkaConsumer<String, String>(properties)) {
            consumer.seekToBeginning(assign(consumer, topic));
            Seen.poll(consumer, count).print();
        }
    }

    static void fromTime(Properties properties, String topic, long timestamp, int count) {
        try (var consumer = new KafkaConsumer<String, String>(properties)) {
            Map<TopicPartition, Long> times = new HashMap<>();
            assign(consumer, topic).forEach(partition -> times.put(partition, timestamp));
            Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(times);
            for (TopicPartition partition : times.keySet()) {
                OffsetAndTimestamp at = found.get(partition);
                if (at == null) {
                    consumer.seekToEnd(List.of(partition));
                } else {
                    consumer.seek(partition, at.offset());
                }
            }
            Seen.poll(consumer, count).print();
        }
    }

    private static List<TopicPartition> assign(KafkaConsumer<String, String> consumer, String topic) {
        List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(info -> new TopicPartition(info.topic(), info.partition()))
                .toList();
        consumer.assign(partitions);
        return partitions;
    }
}
