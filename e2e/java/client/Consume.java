package client;

import java.util.List;
import java.util.Properties;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.errors.RebalanceInProgressException;

/** Reading with a group. */
final class Consume {
    private Consume() {}

    static void classic(Properties properties, String topic, String group, int count) {
        consume(properties, group, count, consumer -> consumer.subscribe(List.of(topic)));
    }

    static void next(Properties properties, String topic, String group, int count) {
        classic(Settings.with(properties, "group.protocol", "consumer"), topic, group, count);
    }

    static void committed(Properties properties, String topic, String group, int count) {
        classic(Settings.with(properties, "isolation.level", "read_committed"), topic, group, count);
    }

    /** The client matches the names it has listed. */
    static void pattern(Properties properties, String pattern, String group, int count) {
        consume(properties, group, count, consumer -> consumer.subscribe(Pattern.compile(pattern)));
    }

    /** The broker matches the names it has. */
    static void patternNext(Properties properties, String pattern, String group, int count) {
        var next = Settings.with(properties, "group.protocol", "consumer");
        consume(next, group, count, consumer -> consumer.subscribe(new SubscriptionPattern(pattern)));
    }

    private static void consume(
            Properties properties, String group, int count, Consumer<KafkaConsumer<String, String>> subscribe) {
        try (var consumer = new KafkaConsumer<String, String>(Settings.with(properties, "group.id", group))) {
            subscribe.accept(consumer);
            Seen seen = Seen.poll(consumer, count);
            seen.print();
            if (!seen.records().isEmpty()) {
                commit(consumer, seen);
                Lines.committed();
            }
        }
    }

    private static void commit(KafkaConsumer<String, String> consumer, Seen seen) {
        while (true) {
            try {
                consumer.commitSync(seen.offsets());
                return;
            } catch (CommitFailedException | RebalanceInProgressException e) {
                // Both ask for a poll, which takes the consumer through the rebalance.
                if (seen.late()) {
                    throw e;
                }
                seen.rejoin(consumer);
            }
        }
    }
}
