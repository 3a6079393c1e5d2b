import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The Java client of the common scenario: {@code CONFIG.json list | produce T N KEYS | consume T GROUP N}. */
public final class Client {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Client() {}

    /** Prints one JSON object per line; a refusal is a line too. */
    public static void main(String[] args) throws Exception {
        Properties properties = properties(JSON.readTree(new File(args[0])));
        try {
            switch (args[1]) {
                case "list" -> list(properties);
                case "produce" -> produce(properties, args[2], Integer.parseInt(args[3]), args[4]);
                case "consume" -> consume(properties, args[2], args[3], Integer.parseInt(args[4]));
                default -> throw new IllegalArgumentException("unknown command " + args[1]);
            }
        } catch (ExecutionException e) {
            refused(e.getCause());
        } catch (KafkaException e) {
            refused(e);
        }
    }

    private static void list(Properties properties) throws Exception {
        try (var consumer = new KafkaConsumer<String, String>(properties)) {
            ObjectNode line = JSON.createObjectNode().put("event", "topics");
            consumer.listTopics().keySet().forEach(line.putArray("names")::add);
            print(line);
        }
    }

    private static void produce(Properties properties, String topic, int count, String keys) throws Exception {
        try (var producer = new KafkaProducer<String, String>(properties)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                sent.add(producer.send(new ProducerRecord<>(topic, keys + i, "value of " + keys + i)));
            }
            producer.flush();
            for (Future<RecordMetadata> future : sent) {
                RecordMetadata at = future.get();
                print(JSON.createObjectNode()
                        .put("event", "produced")
                        .put("topic", at.topic())
                        .put("partition", at.partition())
                        .put("offset", at.offset()));
            }
        }
    }

    private static void consume(Properties properties, String topic, String group, int count) throws Exception {
        properties.put("group.id", group);
        // What was polled is what gets committed: never more than was asked for.
        properties.put("max.poll.records", "1");
        try (var consumer = new KafkaConsumer<String, String>(properties)) {
            consumer.subscribe(List.of(topic));
            long until = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            for (int seen = 0; seen < count && System.nanoTime() < until; ) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    seen++;
                    print(JSON.createObjectNode()
                            .put("event", "record")
                            .put("topic", record.topic())
                            .put("partition", record.partition())
                            .put("offset", record.offset())
                            .put("key", record.key())
                            .put("value", record.value()));
                }
            }
            consumer.commitSync();
            print(JSON.createObjectNode().put("event", "committed"));
        }
    }

    private static void refused(Throwable why) throws Exception {
        Errors error = Errors.forException(why);
        print(JSON.createObjectNode()
                .put("event", "error")
                .put("code", error.code())
                .put("name", error.name())
                .put("message", String.valueOf(why.getMessage())));
    }

    private static Properties properties(JsonNode config) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", config.get("bootstrap").asText());
        properties.put("security.protocol", config.get("protocol").asText());
        if (config.hasNonNull("mechanism")) {
            boolean plain = config.get("mechanism").asText().equals("PLAIN");
            String module = plain ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
            properties.put("sasl.mechanism", config.get("mechanism").asText());
            properties.put(
                    "sasl.jaas.config",
                    "org.apache.kafka.common.security.%s required username=\"%s\" password=\"%s\";"
                            .formatted(module, config.get("user").asText(), config.get("password").asText()));
        }
        if (config.hasNonNull("ca")) {
            properties.put("ssl.truststore.type", "PEM");
            properties.put("ssl.truststore.location", config.get("ca").asText());
        }
        properties.put("enable.idempotence", "true");
        properties.put("delivery.timeout.ms", "25000");
        properties.put("request.timeout.ms", "10000");
        properties.put("max.block.ms", "20000");
        properties.put("default.api.timeout.ms", "20000");
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        properties.put("group.protocol", "classic");
        properties.put("key.serializer", StringSerializer.class.getName());
        properties.put("value.serializer", StringSerializer.class.getName());
        properties.put("key.deserializer", StringDeserializer.class.getName());
        properties.put("value.deserializer", StringDeserializer.class.getName());
        return properties;
    }

    private static void print(ObjectNode line) throws Exception {
        System.out.println(JSON.writeValueAsString(line));
    }
}
