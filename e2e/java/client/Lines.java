package client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collection;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.protocol.Errors;

/** The JSON lines that the harness reads. */
final class Lines {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Lines() {}

    /** Topics or groups, as the event says. */
    static void names(String event, Collection<String> names) {
        ObjectNode line = event(event);
        names.forEach(line.putArray("names")::add);
        print(line);
    }

    static void topic(String name, int partitions) {
        print(event("topic").put("name", name).put("partitions", partitions));
    }

    static void produced(RecordMetadata at) {
        print(event("produced")
                .put("topic", at.topic())
                .put("partition", at.partition())
                .put("offset", at.offset()));
    }

    static void record(ConsumerRecord<String, String> record) {
        record(record.topic(), record.partition(), record.offset(), record.key(), record.value());
    }

    static void record(String topic, int partition, long offset, String key, String value) {
        print(event("record")
                .put("topic", topic)
                .put("partition", partition)
                .put("offset", offset)
                .put("key", key)
                .put("value", value));
    }

    static void committed() {
        print(event("committed"));
    }

    static void group(String name, String state, int members, Collection<String> topics) {
        ObjectNode line = event("group").put("name", name).put("state", state).put("members", members);
        topics.forEach(line.putArray("topics")::add);
        print(line);
    }

    /** A refusal; a library that wraps it says the name of the innermost Kafka error. */
    static void refused(Throwable why) {
        Errors error = Errors.forException(why);
        for (Throwable cause = why.getCause(); unnamed(error) && cause != null; cause = cause.getCause()) {
            error = Errors.forException(cause);
        }
        print(event("error")
                .put("code", error.code())
                .put("name", error.name())
                .put("message", String.valueOf(why.getMessage())));
    }

    private static boolean unnamed(Errors error) {
        return error == Errors.UNKNOWN_SERVER_ERROR;
    }

    private static ObjectNode event(String event) {
        return JSON.createObjectNode().put("event", event);
    }

    private static synchronized void print(ObjectNode line) {
        try {
            System.out.println(JSON.writeValueAsString(line));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
