import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * Load that goes on until a file appears: {@code CONFIG.json STOP_FILE ROLE...}, every role in a thread of its own.
 *
 * <p>Roles: {@code idempotent NAME TOPIC}, {@code transactional NAME TOPIC}, {@code copy NAME FROM TO},
 * {@code read NAME PROTOCOL TOPIC,TOPIC...} and {@code dump ISOLATION TOPIC,TOPIC...}, each as one argument with colons for
 * blanks. Settings are Kafka's defaults but for what makes a role what it is: clients must recover alone.
 *
 * <p>What happened is one line on standard output, words behind an @. A record is {@code writer number attempt index}.
 */
public final class Load {
    private static final int PARTITIONS = 3;
    private static final int RECORDS_OF_TRANSACTION = 5;
    /** Of so many transactions one is aborted on purpose. */
    private static final int ABORT_EVERY = 5;

    private static final int BURST = 10;
    private static final long PAUSE_MS = 50;

    private static final Duration POLL = Duration.ofMillis(200);
    private static final PrintStream OUT = System.out;

    private final JsonNode config;
    private final File stop;
    private final CountDownLatch writers;
    private final CountDownLatch copiers;

    private Load(JsonNode config, File stop, List<String[]> roles) {
        this.config = config;
        this.stop = stop;
        writers = latch(roles, List.of("idempotent", "transactional"));
        copiers = latch(roles, List.of("copy"));
    }

    /** Starts every role; the first that fails ends the program. */
    public static void main(String[] args) throws Exception {
        List<String[]> roles = new ArrayList<>();
        for (int i = 2; i < args.length; i++) {
            roles.add(args[i].split(":"));
        }
        Load load = new Load(new ObjectMapper().readTree(new File(args[0])), new File(args[1]), roles);
        say("version", "kafka-clients", AppInfoParser.getVersion());
        for (String[] role : roles) {
            new Thread(() -> load.run(role), role[0]).start();
        }
    }

    private static CountDownLatch latch(List<String[]> roles, List<String> names) {
        return new CountDownLatch((int) roles.stream().filter(role -> names.contains(role[0])).count());
    }

    private void run(String[] role) {
        try {
            switch (role[0]) {
                case "idempotent" -> idempotent(role[1], role[2]);
                case "transactional" -> transactional(role[1], role[2]);
                case "copy" -> copy(role[1], role[2], role[3]);
                case "read" -> read(role[1], role[2], List.of(role[3].split(",")));
                case "dump" -> dump(role[1], List.of(role[2].split(",")));
                default -> throw new IllegalArgumentException("unknown role " + role[0]);
            }
            say("ended", String.join(":", role));
        } catch (Throwable e) {
            e.printStackTrace();
            say("failed", String.join(":", role), e);
            Runtime.getRuntime().halt(1);
        }
    }

    /** Numbered records, each acknowledgement printed. */
    private void idempotent(String name, String topic) throws InterruptedException {
        Properties properties = properties();
        properties.put("enable.idempotence", "true");
        properties.put("acks", "all");
        try (var producer = new KafkaProducer<String, String>(properties)) {
            for (int number = 0; !stop.exists(); number++) {
                int sent = number;
                producer.send(record(topic, number % PARTITIONS, name, number, 0, 0), (at, error) -> {
                    if (error != null) {
                        say("lost", name, sent, error);
                    } else {
                        say("acked", name, sent, at.partition(), at.offset());
                    }
                });
                if (number % BURST == 0) {
                    Thread.sleep(PAUSE_MS);
                }
            }
            producer.flush();
        }
        writers.countDown();
    }

    /** Numbered transactions; one that cannot be committed is aborted and repeated, as Kafka's documentation tells. */
    private void transactional(String name, String topic) throws InterruptedException {
        try (var producer = transactionalProducer(name)) {
            int attempt = 0;
            for (int number = 0; !stop.exists(); ) {
                boolean committed = number % ABORT_EVERY != ABORT_EVERY - 1;
                try {
                    producer.beginTransaction();
                    for (int index = 0; index < RECORDS_OF_TRANSACTION; index++) {
                        producer.send(
                                record(topic, (number + index) % PARTITIONS, name, number, attempt, index));
                    }
                    if (committed) {
                        commit(producer);
                        say("committed", name, number, attempt, RECORDS_OF_TRANSACTION);
                    } else {
                        producer.flush();
                        abort(producer);
                        say("aborted", name, number, attempt);
                    }
                    number++;
                    attempt = 0;
                } catch (KafkaException e) {
                    abortIfAllowed(producer, e);
                    say("aborted", name, number, attempt);
                    say("retried", name, number, attempt, e);
                    attempt++;
                }
                Thread.sleep(PAUSE_MS);
            }
        }
        writers.countDown();
    }

    /** Consume, transform, produce: the offsets are in the transaction of the records. */
    private void copy(String name, String from, String to) throws InterruptedException {
        try (var producer = transactionalProducer(name);
                var consumer = consumer("group-of-" + name, "classic")) {
            consumer.subscribe(List.of(from));
            while (!(writers.getCount() == 0 && isAtEnd(consumer))) {
                ConsumerRecords<String, String> records = consumer.poll(POLL);
                if (records.isEmpty()) {
                    continue;
                }
                try {
                    producer.beginTransaction();
                    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                    for (ConsumerRecord<String, String> record : records) {
                        producer.send(new ProducerRecord<>(to, record.partition(), record.key(), record.value()));
                        offsets.put(
                                new TopicPartition(from, record.partition()),
                                new OffsetAndMetadata(record.offset() + 1));
                    }
                    producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                    commit(producer);
                    say("copied", name, records.count());
                } catch (KafkaException e) {
                    abortIfAllowed(producer, e);
                    say("retried", name, -1, 0, e);
                    rewind(consumer);
                }
            }
        }
        copiers.countDown();
    }

    /** Reads on until writers and copiers have ended and nothing is left, committing now and then. */
    private void read(String name, String protocol, List<String> topics) {
        try (var consumer = consumer(name, protocol)) {
            consumer.subscribe(topics);
            long commitAt = System.nanoTime();
            while (!(writers.getCount() == 0 && copiers.getCount() == 0 && isAtEnd(consumer))) {
                for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
                    say("read", name, record.topic(), record.partition(), record.offset(), record.value());
                }
                if (System.nanoTime() >= commitAt) {
                    commit(consumer, name);
                    commitAt = System.nanoTime() + Duration.ofSeconds(1).toNanos();
                }
            }
            commit(consumer, name);
        }
    }

    /** Everything that is there, as of now. */
    private void dump(String isolation, List<String> topics) {
        Properties properties = properties();
        properties.put("isolation.level", isolation);
        properties.put("auto.offset.reset", "earliest");
        try (var consumer = new KafkaConsumer<String, String>(properties)) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (String topic : topics) {
                consumer.partitionsFor(topic)
                        .forEach(at -> partitions.add(new TopicPartition(topic, at.partition())));
            }
            consumer.assign(partitions);
            while (!isAtEnd(consumer)) {
                for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
                    say("record", isolation, record.topic(), record.partition(), record.offset(), record.value());
                }
            }
        }
    }

    private KafkaProducer<String, String> transactionalProducer(String name) {
        Properties properties = properties();
        properties.put("transactional.id", name);
        var producer = new KafkaProducer<String, String>(properties);
        while (true) {
            try {
                producer.initTransactions();
                return producer;
            } catch (TimeoutException e) {
                say("retried", name, -1, 0, e);
            }
        }
    }

    private KafkaConsumer<String, String> consumer(String group, String protocol) {
        Properties properties = properties();
        properties.put("group.id", group);
        properties.put("group.protocol", protocol);
        properties.put("isolation.level", "read_committed");
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        return new KafkaConsumer<>(properties);
    }

    /** A commit that takes too long may be repeated, and nothing else may be done then. */
    private static void commit(KafkaProducer<String, String> producer) {
        while (true) {
            try {
                producer.commitTransaction();
                return;
            } catch (TimeoutException e) {
                say("waits", "commit", e);
            }
        }
    }

    private static void abort(KafkaProducer<String, String> producer) {
        while (true) {
            try {
                producer.abortTransaction();
                return;
            } catch (TimeoutException e) {
                say("waits", "abort", e);
            }
        }
    }

    private static void abortIfAllowed(KafkaProducer<String, String> producer, KafkaException e) {
        if (e instanceof ProducerFencedException
                || e instanceof OutOfOrderSequenceException
                || e instanceof AuthorizationException
                || e instanceof InterruptException) {
            throw e;
        }
        abort(producer);
    }

    /** What was polled and not committed is polled again. */
    private static void rewind(KafkaConsumer<String, String> consumer) {
        while (true) {
            try {
                consumer.committed(consumer.assignment()).forEach((partition, offset) -> {
                    if (offset == null) {
                        consumer.seekToBeginning(List.of(partition));
                    } else {
                        consumer.seek(partition, offset.offset());
                    }
                });
                return;
            } catch (RetriableException e) {
                say("waits", "committed", e);
            }
        }
    }

    /** A commit in vain does no harm: the records are read again by whoever has the partitions now. */
    private static void commit(KafkaConsumer<String, String> consumer, String name) {
        try {
            consumer.commitSync();
        } catch (CommitFailedException | RetriableException e) {
            say("waits", name, e);
        }
    }

    /** Whether everything assigned is read; a member that has nothing yet is not at the end. */
    private static boolean isAtEnd(KafkaConsumer<String, String> consumer) {
        try {
            var assigned = consumer.assignment();
            var ends = consumer.endOffsets(assigned);
            return !assigned.isEmpty()
                    && assigned.stream().allMatch(at -> consumer.position(at) >= ends.get(at));
        } catch (RetriableException e) {
            say("waits", "end", e);
            return false;
        }
    }

    private static ProducerRecord<String, String> record(
            String topic, int partition, String name, int number, int attempt, int index) {
        String value = name + " " + number + " " + attempt + " " + index;
        return new ProducerRecord<>(topic, partition, name, value);
    }

    private Properties properties() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", config.get("bootstrap").asText());
        properties.put("security.protocol", config.get("protocol").asText());
        if (config.hasNonNull("mechanism")) {
            properties.put("sasl.mechanism", config.get("mechanism").asText());
            properties.put(
                    "sasl.jaas.config",
                    "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\" password=\"%s\";"
                            .formatted(config.get("user").asText(), config.get("password").asText()));
        }
        properties.put("key.serializer", StringSerializer.class.getName());
        properties.put("value.serializer", StringSerializer.class.getName());
        properties.put("key.deserializer", StringDeserializer.class.getName());
        properties.put("value.deserializer", StringDeserializer.class.getName());
        return properties;
    }

    /** One write per line, so that lines of threads do not mix. */
    private static void say(Object... words) {
        StringBuilder line = new StringBuilder("@");
        for (Object word : words) {
            line.append(' ').append(String.valueOf(word).replace('\n', ' '));
        }
        byte[] bytes = line.append('\n').toString().getBytes(StandardCharsets.UTF_8);
        synchronized (OUT) {
            OUT.write(bytes, 0, bytes.length);
            OUT.flush();
        }
    }
}
