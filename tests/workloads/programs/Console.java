import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;

/**
 * Steers a program by lines on standard input, each answered by one line on standard output ({@code done COMMAND key=value…}):
 *
 * <pre>
 * rate N    requests a second, from now on; 0: none
 * begin     forget what was counted so far
 * report    requests and their latency since begin; wrong answers since the start
 * check     verify all data
 * quit
 * </pre>
 */
final class Console {
    private static final int THREADS = 4;

    private Console() {}

    static void serve(Program program) throws IOException {
        OpenLoop load = new OpenLoop(program, THREADS);
        say("ready pid=" + ProcessHandle.current().pid());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null && !line.equals("quit"); line = in.readLine()) {
            String[] words = line.trim().split("\\s+");
            say("done " + words[0] + obey(words, program, load));
        }
        System.exit(0);
    }

    private static String obey(String[] words, Program program, OpenLoop load) {
        switch (words[0]) {
            case "rate" -> load.rate(Long.parseLong(words[1]));
            case "begin" -> load.begin();
            case "report" -> {
                return load.report();
            }
            case "check" -> {
                return check(program);
            }
            default -> {
                return " error=unknown-command";
            }
        }
        return "";
    }

    private static String check(Program program) {
        try {
            return " checked=" + program.checkAll();
        } catch (Exception e) {
            e.printStackTrace();
            return " checked=0 error=wrong-data";
        }
    }

    /** The program's one argument: about so many bytes of live data. */
    static long liveBytes(String[] args) {
        if (args.length != 1 || !args[0].endsWith("MiB")) {
            throw new IllegalArgumentException("usage: PROGRAM LIVE, for example 100MiB");
        }
        return Long.parseLong(args[0].substring(0, args[0].length() - 3)) << 20;
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
