package client;

import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/** A stateless Kafka Streams application with exactly-once processing. */
final class Stream {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(10);

    private Stream() {}

    /** Runs until the group has committed {@code count} records, as only then their copies count. */
    static void stream(Properties properties, String from, String to, String application, int count) throws Exception {
        Copied copied = new Copied();
        KafkaStreams streams = new KafkaStreams(topology(from, to, copied), settings(properties, application));
        AtomicReference<Throwable> failure = new AtomicReference<>();
        streams.setUncaughtExceptionHandler(why -> {
            failure.compareAndSet(null, why);
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        boolean done = false;
        try (var admin = Admin.create(properties)) {
            streams.start();
            long until = System.nanoTime() + LIMIT.toNanos();
            while (!done && failure.get() == null && System.nanoTime() < until) {
                Thread.sleep(100);
                done = copied.count() >= count && copied.isCommitted(admin, application);
            }
        } finally {
            streams.close(CLOSE_LIMIT);
        }
        copied.print();
        if (failure.get() != null) {
            Lines.refused(failure.get());
        } else if (done) {
            Lines.committed();
        }
    }

    private static Topology topology(String from, String to, Copied copied) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.<String, String>stream(from)
                .mapValues(value -> value)
                .processValues(copied::processor)
                .to(to);
        return builder.build();
    }

    private static Properties settings(Properties properties, String application) {
        Properties settings = Settings.with(
                properties,
                "application.id", application,
                "processing.guarantee", "exactly_once_v2",
                "default.key.serde", Serdes.StringSerde.class.getName(),
                "default.value.serde", Serdes.StringSerde.class.getName());
        // Streams chooses these itself and warns of any other choice.
        List<String> own = List.of("enable.idempotence", "enable.auto.commit", "group.protocol");
        settings.keySet().removeAll(own);
        settings.keySet().removeIf(key -> key.toString().endsWith("serializer"));
        return settings;
    }
}
