package client;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** Records by their place, at most as many as asked for: a rebalance before the commit delivers them once more. */
final class Seen {
    private static final Duration POLL = Duration.ofMillis(200);

    private record Place(TopicPartition partition, long offset) {}

    private final Map<Place, ConsumerRecord<String, String>> records = new LinkedHashMap<>();
    private final long until = System.nanoTime() + Settings.STEP.toNanos();
    private final int count;

    private Seen(int count) {
        this.count = count;
    }

    /** Polls until there are {@code count} records or the time is over. */
    static Seen poll(Consumer<String, String> consumer, int count) {
        Seen seen = new Seen(count);
        while (seen.records.size() < count && !seen.late()) {
            for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
                seen.add(record);
            }
        }
        return seen;
    }

    /** Lets the consumer take part in a rebalance; what it brings has been seen or is left for the next run. */
    void rejoin(Consumer<String, String> consumer) {
        consumer.poll(POLL);
    }

    Collection<ConsumerRecord<String, String>> records() {
        return records.values();
    }

    /** What to commit: behind what was seen, and nothing that a later poll brings. */
    Map<TopicPartition, OffsetAndMetadata> offsets() {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (Place place : records.keySet()) {
            offsets.merge(
                    place.partition(),
                    new OffsetAndMetadata(place.offset() + 1),
                    (a, b) -> a.offset() > b.offset() ? a : b);
        }
        return offsets;
    }

    boolean late() {
        return System.nanoTime() > until;
    }

    void print() {
        records.values().forEach(Lines::record);
    }

    private void add(ConsumerRecord<String, String> record) {
        if (records.size() < count) {
            var partition = new TopicPartition(record.topic(), record.partition());
            records.putIfAbsent(new Place(partition, record.offset()), record);
        }
    }
}
