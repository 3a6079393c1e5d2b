package client;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/** What an application has passed on, by its place: after an aborted transaction it passes the same records again. */
final class Copied {
    private final Map<TopicPartition, TreeMap<Long, FixedKeyRecord<String, String>>> records = new HashMap<>();

    FixedKeyProcessor<String, String, String> processor() {
        return new Passing();
    }

    synchronized int count() {
        return records.values().stream().mapToInt(TreeMap::size).sum();
    }

    /** Whether the group's committed offsets lie behind everything that was passed on. */
    synchronized boolean isCommitted(Admin admin, String group)
            throws ExecutionException, InterruptedException, TimeoutException {
        var offsets = admin.listConsumerGroupOffsets(group)
                .partitionsToOffsetAndMetadata()
                .get(10, TimeUnit.SECONDS);
        return records.entrySet().stream().allMatch(entry -> {
            var committed = offsets.get(entry.getKey());
            return committed != null && committed.offset() > entry.getValue().lastKey();
        });
    }

    synchronized void print() {
        records.forEach((partition, read) -> read.forEach((offset, record) ->
                Lines.record(partition.topic(), partition.partition(), offset, record.key(), record.value())));
    }

    private synchronized void add(RecordMetadata at, FixedKeyRecord<String, String> record) {
        records.computeIfAbsent(new TopicPartition(at.topic(), at.partition()), partition -> new TreeMap<>())
                .put(at.offset(), record);
    }

    private final class Passing extends ContextualFixedKeyProcessor<String, String, String> {
        @Override
        public void process(FixedKeyRecord<String, String> record) {
            context().recordMetadata().ifPresent(at -> add(at, record));
            context().forward(record);
        }
    }
}
