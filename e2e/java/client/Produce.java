package client;

import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/** Sending records. */
final class Produce {
    private Produce() {}

    static void produce(Properties properties, String topic, int count, String keys) throws Exception {
        try (var producer = new KafkaProducer<String, String>(properties)) {
            send(producer, records(topic, count, keys));
        }
    }

    /** What every client sends. */
    static List<ProducerRecord<String, String>> records(String topic, int count, String keys) {
        List<ProducerRecord<String, String>> records = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            records.add(new ProducerRecord<>(topic, keys + i, "value of " + keys + i));
        }
        return records;
    }

    /** Sends the records and prints where each was written. */
    static void send(KafkaProducer<String, String> producer, List<ProducerRecord<String, String>> records)
            throws ExecutionException, InterruptedException {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (var record : records) {
            sent.add(producer.send(record));
        }
        producer.flush();
        for (Future<RecordMetadata> future : sent) {
            Lines.produced(future.get());
        }
    }
}
