import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Formats the log folders of several brokers in one JVM: the stock StorageTool, called once per file. */
public final class Format {
    private Format() {}

    /** Arguments: CLUSTER_ID FILE[,FILE...] [SCRAM...]: one `--add-scram` for each SCRAM. */
    public static void main(String[] args) {
        for (String file : args[1].split(",")) {
            List<String> call = new ArrayList<>(List.of("format", "-t", args[0], "-c", file));
            for (String scram : Arrays.copyOfRange(args, 2, args.length)) {
                call.addAll(List.of("--add-scram", scram));
            }
            int code = kafka.tools.StorageTool.execute(call.toArray(new String[0]), new PrintStream(System.out, true));
            if (code != 0) {
                System.exit(code);
            }
        }
    }
}
