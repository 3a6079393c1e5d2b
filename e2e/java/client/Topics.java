package client;

import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;

/** Looking at topics. */
final class Topics {
    private Topics() {}

    static void list(Properties properties) {
        try (var consumer = new KafkaConsumer<String, String>(properties)) {
            Lines.names("topics", consumer.listTopics().keySet());
        }
    }

    static void describe(Properties properties, String topic) throws Exception {
        try (var admin = Admin.create(properties)) {
            var description = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
            Lines.topic(description.name(), description.partitions().size());
        }
    }
}
