package client;

import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;

/** Transactional producers. */
final class Transactions {
    private Transactions() {}

    static void transact(
            Properties properties, String topic, String transactionalId, int count, String keys, boolean commit)
            throws Exception {
        try (var producer = producer(properties, transactionalId)) {
            producer.initTransactions();
            producer.beginTransaction();
            try {
                Produce.send(producer, Produce.records(topic, count, keys));
                if (commit) {
                    producer.commitTransaction();
                } else {
                    producer.abortTransaction();
                }
            } catch (Exception e) {
                abort(producer, e);
                throw e;
            }
        }
    }

    static void copy(Properties properties, String from, String to, String group, String transactionalId, int count)
            throws Exception {
        var reading = Settings.with(properties, "group.id", group, "isolation.level", "read_committed");
        try (var consumer = new KafkaConsumer<String, String>(reading);
                var producer = producer(properties, transactionalId)) {
            producer.initTransactions();
            consumer.subscribe(List.of(from));
            Seen seen = Seen.poll(consumer, count);
            if (seen.records().isEmpty()) {
                return;
            }
            while (!copied(consumer, producer, to, seen)) {
                seen.rejoin(consumer);
            }
            seen.print();
            Lines.committed();
        }
    }

    /** One attempt; false if a rebalance came between, after which the library wants a poll and a new transaction. */
    private static boolean copied(
            KafkaConsumer<String, String> consumer, KafkaProducer<String, String> producer, String to, Seen seen)
            throws Exception {
        producer.beginTransaction();
        try {
            for (var record : seen.records()) {
                producer.send(new ProducerRecord<>(to, record.key(), record.value()));
            }
            producer.sendOffsetsToTransaction(seen.offsets(), consumer.groupMetadata());
            producer.commitTransaction();
            return true;
        } catch (CommitFailedException e) {
            producer.abortTransaction();
            if (seen.late()) {
                throw e;
            }
            return false;
        } catch (Exception e) {
            abort(producer, e);
            throw e;
        }
    }

    /** Aborts where that is still possible; the first error is the one to report. */
    private static void abort(KafkaProducer<String, String> producer, Exception why) {
        try {
            producer.abortTransaction();
        } catch (KafkaException e) {
            why.addSuppressed(e);
        }
    }

    private static KafkaProducer<String, String> producer(Properties properties, String transactionalId) {
        return new KafkaProducer<>(Settings.with(properties, "transactional.id", transactionalId));
    }
}
