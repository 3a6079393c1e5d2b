package client;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.common.KafkaException;

/** The Java client of the common scenario: {@code CONFIG.json STEP ARGUMENT...}. */
public final class Client {
    private Client() {}

    /** Prints one JSON object per line; a refusal is a line too. */
    public static void main(String[] args) throws Exception {
        Properties properties = Settings.properties(new ObjectMapper().readTree(new File(args[0])));
        try {
            play(properties, args);
        } catch (ExecutionException e) {
            Lines.refused(e.getCause());
        } catch (KafkaException e) {
            Lines.refused(e);
        }
    }

    private static void play(Properties properties, String[] args) throws Exception {
        switch (args[1]) {
            case "list" -> Topics.list(properties);
            case "describe-topic" -> Topics.describe(properties, args[2]);
            case "produce" -> Produce.produce(properties, args[2], number(args[3]), args[4]);
            case "transact" ->
                Transactions.transact(properties, args[2], args[3], number(args[4]), args[5], args[6].equals("commit"));
            case "copy" -> Transactions.copy(properties, args[2], args[3], args[4], args[5], number(args[6]));
            case "stream" -> Stream.stream(properties, args[2], args[3], args[4], number(args[5]));
            case "consume" -> Consume.classic(properties, args[2], args[3], number(args[4]));
            case "consume-next" -> Consume.next(properties, args[2], args[3], number(args[4]));
            case "consume-committed" -> Consume.committed(properties, args[2], args[3], number(args[4]));
            case "consume-pattern" -> Consume.pattern(properties, args[2], args[3], number(args[4]));
            case "consume-pattern-next" -> Consume.patternNext(properties, args[2], args[3], number(args[4]));
            case "read-from-beginning" -> Read.fromBeginning(properties, args[2], number(args[3]));
            case "read-from-time" -> Read.fromTime(properties, args[2], Long.parseLong(args[3]), number(args[4]));
            case "list-groups" -> Groups.list(properties);
            case "describe-group" -> Groups.describe(properties, args[2]);
            case "reset-offsets" -> Groups.resetOffsets(properties, args[2], args[3]);
            case "delete-group" -> Groups.delete(properties, args[2]);
            default -> throw new IllegalArgumentException("unknown step " + args[1]);
        }
    }

    private static int number(String argument) {
        return Integer.parseInt(argument);
    }
}
