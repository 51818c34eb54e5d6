import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32C;

/**
 * A keyed store of checksummed records behind a request loop: the demo's service. What it does, and how much memory that
 * needs, is switched while it runs by lines on standard input, each answered by {@code done COMMAND key=value...}:
 *
 * <pre>
 * records 800MiB   hold this much live data; grows at a bounded pace, shrinks at once
 * garbage 300MiB   load that much once more, keep it a moment, and drop it: a heap full of garbage
 * rate N           requests a second that are offered
 * begin            forget what was counted so far
 * report           what was counted since begin; errors and full collections since the start
 * quit
 * </pre>
 *
 * Beside that load, a client sends requests at fixed times (200 a second); latency is counted from the time a request was
 * due, so that a pause of the JVM counts for every request that had to wait for it.
 */
public final class DemoService {
    private static final int RECORD_BYTES = 2048;
    private static final int HEADER_BYTES = 16; // key, checksum, length
    private static final long GROWTH_BYTES_PER_S = 120L << 20;
    private static final long PROBE_NANOS = 5_000_000;

    private volatile byte[][] records = new byte[0][];
    private volatile long rate;
    private volatile int target;
    private final LongAdder served = new LongAdder();
    private final AtomicLong worstNanos = new AtomicLong();
    private final AtomicLong worstOfStat = new AtomicLong();
    private final AtomicLong outOfMemory = new AtomicLong();
    private final AtomicLong corrupt = new AtomicLong();
    private final LongAdder[] latencies = new LongAdder[64]; // by power of two of nanoseconds

    public static void main(String[] args) throws Exception {
        new DemoService().run();
    }

    private void run() throws Exception {
        Arrays.setAll(latencies, i -> new LongAdder());
        start("worker", this::work);
        start("probe", this::probe);
        start("loader", this::load);
        start("stat", this::tellNow);
        say("ready pid=" + ProcessHandle.current().pid());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.trim().split("\\s+");
            String answer = obey(words);
            say("done " + words[0] + answer);
            if (words[0].equals("quit")) {
                break;
            }
        }
        Runtime.getRuntime().halt(0);
    }

    private String obey(String[] words) {
        switch (words[0]) {
            case "records" -> target = (int) (parseBytes(words[1]) / RECORD_BYTES);
            case "garbage" -> start("garbage", () -> makeGarbage(parseBytes(words[1])));
            case "rate" -> rate = Long.parseLong(words[1]);
            case "begin" -> begin();
            case "report" -> {
                return report();
            }
            case "quit" -> { }
            default -> {
                return " error=unknown-command";
            }
        }
        return "";
    }

    // Requests.

    /** Keeps the offered rate as well as it can: what has been missed for more than half a second is lost for good. */
    private void work() {
        double owed = 0;
        long last = System.nanoTime();
        while (true) {
            LockSupport.parkNanos(1_000_000);
            long now = System.nanoTime();
            owed = Math.min(owed + rate * 1e-9 * (now - last), rate * 0.5);
            last = now;
            for (; owed >= 1; owed--) {
                serve();
            }
        }
    }

    private void serve() {
        try {
            request();
            served.increment();
        } catch (OutOfMemoryError e) {
            outOfMemory.incrementAndGet();
        }
    }

    /** Reads and verifies four records, builds an answer of their bytes, and writes one of them anew. */
    private void request() {
        byte[][] store = records;
        ThreadLocalRandom random = ThreadLocalRandom.current();
        byte[] answer = new byte[4 * RECORD_BYTES];
        int key = 0;
        for (int i = 0; i < 4 && store.length > 0; i++) {
            key = random.nextInt(store.length);
            byte[] record = store[key];
            if (record == null) {
                continue; // still being loaded
            }
            if (!isIntact(record, key)) {
                corrupt.incrementAndGet();
            }
            System.arraycopy(record, 0, answer, i * RECORD_BYTES, RECORD_BYTES);
        }
        if (store.length > 0 && store[key] != null) {
            store[key] = newRecord(key, answer);
        }
    }

    private static byte[] newRecord(int key, byte[] content) {
        byte[] record = new byte[RECORD_BYTES];
        int length = RECORD_BYTES - HEADER_BYTES;
        if (content == null) {
            Arrays.fill(record, HEADER_BYTES, RECORD_BYTES, (byte) key);
        } else {
            System.arraycopy(content, ThreadLocalRandom.current().nextInt(content.length - length), record, HEADER_BYTES, length);
        }
        ByteBuffer.wrap(record).putInt(key).putInt(checksum(record, length)).putInt(length);
        return record;
    }

    private static boolean isIntact(byte[] record, int key) {
        ByteBuffer header = ByteBuffer.wrap(record);
        return header.getInt() == key && header.getInt() == checksum(record, RECORD_BYTES - HEADER_BYTES);
    }

    private static int checksum(byte[] record, int length) {
        CRC32C sum = new CRC32C();
        sum.update(record, HEADER_BYTES, length);
        return (int) sum.getValue();
    }

    /** The client: requests at fixed times, each waited for from the time it was due. */
    private void probe() {
        long due = System.nanoTime() + PROBE_NANOS;
        while (true) {
            for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            serve();
            long took = System.nanoTime() - due;
            latencies[63 - Long.numberOfLeadingZeros(Math.max(1, took))].increment();
            worstNanos.accumulateAndGet(took, Math::max);
            worstOfStat.accumulateAndGet(took, Math::max);
            due += PROBE_NANOS;
        }
    }

    // Live data and garbage.

    private void load() {
        while (true) {
            byte[][] now = records;
            int wanted = target;
            if (wanted == now.length) {
                LockSupport.parkNanos(5_000_000);
                continue;
            }
            byte[][] next = new byte[0][];
            try {
                next = Arrays.copyOf(now, wanted);
                records = next; // loaded in place below: requests skip what is not there yet
                fill(next, now.length);
            } catch (OutOfMemoryError e) {
                outOfMemory.incrementAndGet();
                LockSupport.parkNanos(200_000_000);
            }
        }
    }

    private void fill(byte[][] store, int from) {
        long began = System.nanoTime();
        for (int key = from; key < store.length && target == store.length; key++) {
            store[key] = newRecord(key, null);
            keepPace(began, (long) (key - from + 1) * RECORD_BYTES);
        }
    }

    private static void keepPace(long began, long bytes) {
        long ahead = began + bytes * 1_000 / (GROWTH_BYTES_PER_S / 1_000_000) - System.nanoTime();
        if (ahead > 2_000_000) {
            LockSupport.parkNanos(ahead);
        }
    }

    private void makeGarbage(long bytes) {
        byte[][] extra = new byte[(int) (bytes / RECORD_BYTES)][];
        long began = System.nanoTime();
        try {
            for (int i = 0; i < extra.length; i++) {
                extra[i] = newRecord(i, null);
                keepPace(began, (long) (i + 1) * RECORD_BYTES / 2); // twice as fast as the store grows
            }
        } catch (OutOfMemoryError e) {
            extra = null;
            outOfMemory.incrementAndGet();
        }
        say("note garbage=" + (extra == null ? "failed" : "dropped"));
    }

    // Figures.

    private void begin() {
        served.reset();
        worstNanos.set(0);
        Arrays.stream(latencies).forEach(LongAdder::reset);
    }

    private String report() {
        return " served=" + served.sum() + " worst_us=" + worstNanos.get() / 1_000 + " p99_us=" + percentile(0.99)
                + " oome=" + outOfMemory.get() + " corrupt=" + corrupt.get() + " full_gcs=" + fullGcs() + " gc_ms=" + gcMillis();
    }

    /** Upper bound of the power-of-two bucket in which the share of all latencies is reached. */
    private long percentile(double share) {
        long all = Arrays.stream(latencies).mapToLong(LongAdder::sum).sum();
        long seen = 0;
        for (int i = 0; i < latencies.length; i++) {
            seen += latencies[i].sum();
            if (all > 0 && seen >= all * share) {
                return (2L << i) / 1_000;
            }
        }
        return 0;
    }

    private static long fullGcs() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream()
                .filter(bean -> bean.getName().contains("Old Gen") || bean.getName().contains("MarkSweep"))
                .mapToLong(GarbageCollectorMXBean::getCollectionCount).sum();
    }

    private static long gcMillis() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream().mapToLong(GarbageCollectorMXBean::getCollectionTime).sum();
    }

    /** Twice a second: what is going on now, for a live view. */
    private void tellNow() {
        long before = served.sum();
        long last = System.nanoTime();
        while (true) {
            LockSupport.parkNanos(500_000_000);
            long now = System.nanoTime();
            long count = served.sum();
            double rate = Math.max(0, count - before) * 1e9 / (now - last);
            say("stat per_s=" + (long) rate + " worst_us=" + worstOfStat.getAndSet(0) / 1_000);
            before = count;
            last = now;
        }
    }

    private static long parseBytes(String text) {
        if (!text.endsWith("MiB")) {
            throw new IllegalArgumentException("a size in MiB is expected: " + text);
        }
        return Long.parseLong(text.substring(0, text.length() - 3)) << 20;
    }

    private static void start(String name, Runnable body) {
        Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        thread.start();
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
