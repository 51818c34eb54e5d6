import com.sun.management.ThreadMXBean;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * A program that does little but allocate: what a heap of a given size costs shows in it undiluted.
 *
 * <p>Each worker owns a live set of many small objects, of which it replaces random ones; a ring of medium-lived ones; and
 * drops the rest at once. Its work is cut into operations of {@value #OBJECTS} objects each.
 *
 * <pre>
 * --threads N        workers (default 1)
 * --live 200MiB      live set, all workers together
 * --medium 8MiB      held in the rings, all workers together
 * --object 128B      mean size of an object; sizes spread from half to one and a half of it
 * --replace 0.1      share of the objects that replace a live one
 * --ring 0.1         share of the objects that go through a ring
 * --rate 0B          bytes allocated a second, all workers together; 0B: as fast as it goes
 * </pre>
 *
 * <p>Commands, one a line on standard input, each answered by one line: {@code measure SECONDS} counts over a window,
 * {@code live} collects and tells what is left, {@code quit}.
 */
public final class Churn {
    private static final int OBJECTS = 32;
    private static final int BATCH = 16; // operations between two looks at the clock
    private static final long STALL_NANOS = 1_000_000;
    private static final int SHARD = 4096;
    private static final int OVERHEAD = 48; // headers and fields of an entry and its array, beside the payload

    private static int object = 128;
    private static double replace = 0.1;
    private static double ring = 0.1;

    private final List<Worker> workers = new ArrayList<>();
    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static final class Entry {
        final long key;
        final byte[] body;

        Entry(ThreadLocalRandom random) {
            body = new byte[Math.max(8, object / 2 + random.nextInt(object) - OVERHEAD)];
            key = random.nextLong();
            body[body.length / 2] = (byte) key;
        }
    }

    private static final class Worker extends Thread {
        final Entry[][] live;
        final Entry[] medium;
        final double operationsPerSecond;
        final CountDownLatch filled;
        volatile long operations;
        volatile long stalledNanos;
        volatile long worstNanos;
        volatile long sum;
        private int next;

        Worker(int number, long liveBytes, long mediumBytes, long bytesPerSecond, CountDownLatch filled) {
            super("worker-" + number);
            setDaemon(true);
            live = new Entry[(int) (liveBytes / object / SHARD + 1)][SHARD];
            medium = new Entry[(int) (mediumBytes / object + 1)];
            operationsPerSecond = (double) bytesPerSecond / object / OBJECTS;
            this.filled = filled;
        }

        @Override
        public void run() {
            ThreadLocalRandom random = ThreadLocalRandom.current();
            for (Entry[] shard : live) {
                for (int i = 0; i < SHARD; i++) {
                    shard[i] = new Entry(random);
                }
            }
            filled.countDown();
            long due = System.nanoTime();
            for (long before = due;;) {
                for (int i = 0; i < BATCH; i++) {
                    operate(random);
                }
                operations += BATCH;
                before = noteStall(before);
                if (operationsPerSecond > 0) {
                    due += (long) (BATCH * 1e9 / operationsPerSecond);
                    if (due > before) {
                        LockSupport.parkNanos(due - before);
                        before = noteStall(Math.max(before, due));
                    }
                }
            }
        }

        /** What a batch, or a sleep beyond its end, took longer than a millisecond was a stop. */
        private long noteStall(long since) {
            long now = System.nanoTime();
            if (now - since > STALL_NANOS) {
                stalledNanos += now - since - STALL_NANOS;
                worstNanos = Math.max(worstNanos, now - since);
            }
            return now;
        }

        private void operate(ThreadLocalRandom random) {
            Entry[] work = new Entry[OBJECTS];
            long seen = 0;
            for (int i = 0; i < OBJECTS; i++) {
                Entry entry = work[i] = new Entry(random);
                Entry[] shard = live[random.nextInt(live.length)];
                int slot = random.nextInt(SHARD);
                seen += shard[slot].key ^ shard[slot].body.length;
                double fate = random.nextDouble();
                if (fate < replace) {
                    shard[slot] = entry;
                } else if (fate < replace + ring) {
                    medium[next] = entry;
                    next = next + 1 == medium.length ? 0 : next + 1;
                }
            }
            for (Entry entry : work) {
                seen = seen * 31 + entry.key + entry.body[0];
            }
            sum += seen;
        }
    }

    public static void main(String[] args) throws Exception {
        new Churn().serve(args);
    }

    private void serve(String[] args) throws Exception {
        int count = 1;
        long live = parseBytes("200MiB");
        long medium = parseBytes("8MiB");
        long rate = 0;
        for (int i = 0; i + 1 < args.length; i += 2) {
            switch (args[i]) {
                case "--threads" -> count = Integer.parseInt(args[i + 1]);
                case "--live" -> live = parseBytes(args[i + 1]);
                case "--medium" -> medium = parseBytes(args[i + 1]);
                case "--object" -> object = (int) parseBytes(args[i + 1]);
                case "--replace" -> replace = Double.parseDouble(args[i + 1]);
                case "--ring" -> ring = Double.parseDouble(args[i + 1]);
                case "--rate" -> rate = parseBytes(args[i + 1]);
                default -> throw new IllegalArgumentException("unknown argument " + args[i]);
            }
        }
        CountDownLatch filled = new CountDownLatch(count);
        for (int i = 0; i < count; i++) {
            workers.add(new Worker(i, live / count, medium / count, rate / count, filled));
        }
        workers.forEach(Thread::start);
        filled.await();
        say("ready pid=" + ProcessHandle.current().pid());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.trim().split("\\s+");
            switch (words[0]) {
                case "measure" -> say("done measure" + measure(Double.parseDouble(words[1])));
                case "live" -> say("done live" + collected());
                case "quit" -> System.exit(0);
                default -> say("done " + words[0] + " error=unknown-command");
            }
        }
        System.exit(0);
    }

    private String measure(double seconds) throws InterruptedException {
        workers.forEach(worker -> worker.worstNanos = 0);
        long began = System.nanoTime();
        long operations = operations();
        long stalled = stalledNanos();
        long allocated = allocated();
        List<long[]> before = collections();
        Thread.sleep((long) (seconds * 1000));
        List<long[]> after = collections();
        double took = (System.nanoTime() - began) / 1e9;
        StringBuilder text = new StringBuilder();
        text.append(" seconds=").append(took).append(" ops=").append(operations() - operations);
        text.append(" stalled_seconds=").append((stalledNanos() - stalled) / 1e9);
        long worst = workers.stream().mapToLong(worker -> worker.worstNanos).max().orElse(0);
        text.append(" worst_stall_ms=").append(worst / 1_000_000);
        text.append(" allocated_bytes=").append(allocated() - allocated);
        int i = 0;
        for (GarbageCollectorMXBean bean : ManagementFactory.getGarbageCollectorMXBeans()) {
            String name = bean.getName().replace(' ', '_');
            text.append(" count.").append(name).append('=').append(after.get(i)[0] - before.get(i)[0]);
            text.append(" gc_seconds.").append(name).append('=').append((after.get(i)[1] - before.get(i)[1]) / 1e3);
            i++;
        }
        return text.toString();
    }

    private static String collected() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return " used_bytes=" + (runtime.totalMemory() - runtime.freeMemory());
    }

    private long operations() {
        return workers.stream().mapToLong(worker -> worker.operations).sum();
    }

    private long stalledNanos() {
        return workers.stream().mapToLong(worker -> worker.stalledNanos).sum();
    }

    private long allocated() {
        return workers.stream().mapToLong(worker -> threads.getThreadAllocatedBytes(worker.getId())).sum();
    }

    private static List<long[]> collections() {
        List<long[]> all = new ArrayList<>();
        for (GarbageCollectorMXBean bean : ManagementFactory.getGarbageCollectorMXBeans()) {
            all.add(new long[] {bean.getCollectionCount(), bean.getCollectionTime()});
        }
        return all;
    }

    private static long parseBytes(String text) {
        String[] units = {"GiB", "MiB", "KiB", "B"};
        long[] factors = {1L << 30, 1L << 20, 1L << 10, 1};
        for (int i = 0; i < units.length; i++) {
            if (text.endsWith(units[i])) {
                return (long) (Double.parseDouble(text.substring(0, text.length() - units[i].length())) * factors[i]);
            }
        }
        throw new IllegalArgumentException("a size needs a unit: " + text);
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
