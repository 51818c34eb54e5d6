import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * What the workloads of the hard tests share: commands on standard input, each answered by one line on standard output
 * ({@code done COMMAND key=value...}), sizes with units, and the program's own view of how it fares.
 */
abstract class Workload {
    final AtomicLong outOfMemory = new AtomicLong();
    private final AtomicLong worstStallNanos = new AtomicLong();

    /** Carries one command out; returns what its answer tells, each {@code key=value} with a space before it. */
    abstract String obey(String[] words) throws Exception;

    final void serve() throws Exception {
        daemon("hiccup", this::watchStalls);
        say("ready pid=" + ProcessHandle.current().pid());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.trim().split("\\s+");
            long began = System.nanoTime();
            String extra = "";
            if (!words[0].equals("quit")) {
                try {
                    extra = obey(words);
                } catch (OutOfMemoryError e) {
                    outOfMemory.incrementAndGet();
                    extra = " error=OutOfMemoryError";
                }
            }
            say("done " + words[0] + " ms=" + (System.nanoTime() - began) / 1_000_000 + extra);
            if (words[0].equals("quit")) {
                break;
            }
        }
        System.exit(0);
    }

    /** A thread that wants to run every millisecond: what it misses, the program has stood still. */
    private void watchStalls() {
        for (long last = System.nanoTime(); ; ) {
            pause(1_000_000L);
            long now = System.nanoTime();
            worstStallNanos.accumulateAndGet(now - last - 1_000_000L, Math::max);
            last = now;
        }
    }

    final String health() {
        long collections = 0;
        for (GarbageCollectorMXBean bean : ManagementFactory.getGarbageCollectorMXBeans()) {
            collections += Math.max(0, bean.getCollectionCount());
        }
        return " oome=" + outOfMemory.get() + " worst_stall_ms=" + worstStallNanos.getAndSet(0) / 1_000_000
                + " collections=" + collections;
    }

    static Thread daemon(String name, Runnable body) {
        Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    static void pause(long nanos) {
        if (nanos > 0) {
            LockSupport.parkNanos(nanos);
        }
    }

    static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    static long parseBytes(String text) {
        String[] units = {"GiB", "MiB", "KiB", "B"};
        for (int i = 0; i < units.length; i++) {
            if (text.endsWith(units[i])) {
                String number = text.substring(0, text.length() - units[i].length());
                return (long) (Double.parseDouble(number) * (1L << (30 - 10 * i)));
            }
        }
        throw new IllegalArgumentException("a size needs a unit: " + text);
    }
}
