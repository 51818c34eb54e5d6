import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.Timer;
import java.util.TimerTask;

/**
 * Steers a program by lines on standard input, each answered by one line on standard output ({@code done COMMAND key=value...}):
 *
 * <pre>
 * rate N    requests a second, from now on; 0: none
 * day N:S...  N requests a second for S seconds, then the next; forgets as begin does, and tells its progress once a second
 * begin     forget what was counted so far
 * report    requests and their latency since begin, once; wrong answers since the start
 * check     verify all data
 * quit
 * </pre>
 */
final class Console {
    private static final int THREADS = 4;
    private static final long PROGRESS_MILLIS = 1000;

    private static Timer progress; // none before the first day

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
            case "day" -> {
                load.follow(Schedule.of(words, 1));
                tellProgress(load);
            }
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

    /** For whoever wants to know how far a program came that has died since. */
    private static synchronized void tellProgress(OpenLoop load) {
        if (progress == null) {
            progress = new Timer("progress", true);
            progress.schedule(new TimerTask() {
                @Override
                public void run() {
                    say("stat ops=" + load.answered());
                }
            }, PROGRESS_MILLIS, PROGRESS_MILLIS);
        }
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

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
