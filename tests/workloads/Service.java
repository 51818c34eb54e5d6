import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A small service whose memory a test can steer: it answers made-up requests from a live data set, and every record it
 * holds can be checked at any time.
 *
 * <p>Arguments: {@code [--threads N] [--rate N]}. Commands, one a line on standard input, each answered by one line on
 * standard output ({@code done COMMAND key=value...}):
 *
 * <pre>
 * live 125MiB      hold this much live data (drops or adds records)
 * garbage 2.5GiB   allocate this much old garbage: records that become live, survive, and are then dropped
 * grow 3.5GiB      as live, and tell how long it took
 * rate N           requests a second and thread; 0: idle; -1: as fast as possible
 * report           ops, worst stall and OutOfMemoryErrors since the last report; full collections since the start
 * check            verify every live record
 * exit N           end with this status, at once
 * quit
 * </pre>
 */
public final class Service {
    private static final int RECORD_BYTES = 4096;
    private static final int SHARD_RECORDS = 4096; // 16 MiB a shard

    private final List<byte[][]> shards = new ArrayList<>(); // guarded by this
    private volatile byte[][][] snapshot = new byte[0][][];
    private final AtomicLong ops = new AtomicLong();
    private final AtomicLong errors = new AtomicLong();
    private final AtomicLong corrupt = new AtomicLong();
    private final AtomicLong worstStallNanos = new AtomicLong();
    private final AtomicBoolean running = new AtomicBoolean(true);
    private volatile long rate;

    public static void main(String[] args) throws Exception {
        int threads = 1;
        long rate = 0;
        for (int i = 0; i + 1 < args.length; i += 2) {
            switch (args[i]) {
                case "--threads" -> threads = Integer.parseInt(args[i + 1]);
                case "--rate" -> rate = Long.parseLong(args[i + 1]);
                default -> throw new IllegalArgumentException("unknown argument " + args[i]);
            }
        }
        new Service().serve(threads, rate);
    }

    private void serve(int threads, long startRate) throws Exception {
        rate = startRate;
        for (int i = 0; i < threads; i++) {
            daemon("worker-" + i, this::work);
        }
        daemon("hiccup", this::watchStalls);
        say("ready pid=" + ProcessHandle.current().pid());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null && running.get(); line = in.readLine()) {
            obey(line.trim().split("\\s+"));
        }
        System.exit(0);
    }

    private static void daemon(String name, Runnable body) {
        Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void obey(String[] words) {
        long began = System.nanoTime();
        String extra = "";
        try {
            switch (words[0]) {
                case "live", "grow" -> holdLive(parseBytes(words[1]));
                case "garbage" -> makeGarbage(parseBytes(words[1]));
                case "rate" -> rate = Long.parseLong(words[1]);
                case "report" -> extra = report();
                case "check" -> extra = checkAll();
                case "exit" -> System.exit(Integer.parseInt(words[1]));
                case "quit" -> running.set(false);
                default -> extra = " error=unknown-command";
            }
        } catch (OutOfMemoryError e) {
            errors.incrementAndGet();
            extra = " error=OutOfMemoryError";
        }
        say("done " + words[0] + " ms=" + (System.nanoTime() - began) / 1_000_000 + extra);
        if (!running.get()) {
            System.exit(0);
        }
    }

    // Live data: shards of records whose content follows from where they are.

    private synchronized void holdLive(long bytes) {
        int wanted = (int) ((bytes + (long) SHARD_RECORDS * RECORD_BYTES - 1) / ((long) SHARD_RECORDS * RECORD_BYTES));
        while (shards.size() > wanted) {
            shards.remove(shards.size() - 1);
        }
        publish();
        while (shards.size() < wanted) {
            shards.add(newShard(shards.size()));
            publish();
        }
    }

    private synchronized void makeGarbage(long bytes) {
        int before = shards.size();
        int extra = (int) (bytes / ((long) SHARD_RECORDS * RECORD_BYTES));
        for (int i = 0; i < extra; i++) {
            shards.add(newShard(shards.size()));
        }
        while (shards.size() > before) {
            shards.remove(shards.size() - 1);
        }
        publish();
    }

    private void publish() {
        snapshot = shards.toArray(new byte[0][][]);
    }

    private static byte[][] newShard(int shard) {
        byte[][] records = new byte[SHARD_RECORDS][];
        for (int i = 0; i < SHARD_RECORDS; i++) {
            records[i] = newRecord(shard, i);
        }
        return records;
    }

    private static long seed(int shard, int index) {
        long x = shard * 1_000_003L + index + 0x9E3779B97F4A7C15L;
        x = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
        x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
        return x ^ (x >>> 31);
    }

    private static byte[] newRecord(int shard, int index) {
        byte[] record = new byte[RECORD_BYTES];
        long x = seed(shard, index);
        for (int i = 0; i < RECORD_BYTES; i += 64) {
            x += 0x9E3779B97F4A7C15L;
            record[i] = (byte) (x >>> 56);
            record[i + 63] = (byte) (x >>> 48);
        }
        return record;
    }

    private static boolean isIntact(byte[] record, int shard, int index) {
        long x = seed(shard, index);
        for (int i = 0; i < RECORD_BYTES; i += 64) {
            x += 0x9E3779B97F4A7C15L;
            if (record[i] != (byte) (x >>> 56) || record[i + 63] != (byte) (x >>> 48) || record[i + 1] != 0) {
                return false;
            }
        }
        return true;
    }

    private String checkAll() {
        byte[][][] now = snapshot;
        long bad = 0;
        long records = 0;
        for (int s = 0; s < now.length; s++) {
            for (int i = 0; i < now[s].length; i++, records++) {
                if (!isIntact(now[s][i], s, i)) {
                    bad++;
                }
            }
        }
        corrupt.addAndGet(bad);
        return " records=" + records + " corrupt=" + corrupt.get();
    }

    // Requests: look a few records up, build an answer, check it, and replace one record by an equal one.

    private void work() {
        long next = System.nanoTime();
        while (true) {
            long now = rate;
            if (now == 0) {
                pause(20_000_000L);
                next = System.nanoTime();
                continue;
            }
            try {
                request();
                ops.incrementAndGet();
            } catch (OutOfMemoryError e) {
                errors.incrementAndGet();
            }
            if (now > 0) {
                next += 1_000_000_000L / now;
                pause(next - System.nanoTime());
            }
        }
    }

    private void request() {
        byte[][][] data = snapshot;
        ThreadLocalRandom random = ThreadLocalRandom.current();
        byte[] answer = new byte[4 * 1024 + random.nextInt(8 * 1024)];
        long sum = 0;
        for (int i = 0; i < 4 && data.length > 0; i++) {
            int s = random.nextInt(data.length);
            int r = random.nextInt(data[s].length);
            byte[] record = data[s][r];
            if (!isIntact(record, s, r)) {
                corrupt.incrementAndGet();
            }
            System.arraycopy(record, 0, answer, (i * 1024) % (answer.length - 1024), 1024);
            if (i == 0 && random.nextInt(8) == 0) {
                data[s][r] = newRecord(s, r);
            }
        }
        for (byte b : answer) {
            sum = sum * 31 + b;
        }
        if (sum == 42) { // keeps the sum from being optimised away
            say("note lucky-answer=" + sum);
        }
    }

    private static void pause(long nanos) {
        if (nanos > 0) {
            java.util.concurrent.locks.LockSupport.parkNanos(nanos);
        }
    }

    /** A thread that wants to run every millisecond: what it misses, the program has stood still. */
    private void watchStalls() {
        long last = System.nanoTime();
        while (true) {
            pause(1_000_000L);
            long now = System.nanoTime();
            long stall = now - last - 1_000_000L;
            worstStallNanos.accumulateAndGet(stall, Math::max);
            last = now;
        }
    }

    private String report() {
        long fullGcs = 0;
        long gcMillis = 0;
        for (GarbageCollectorMXBean bean : ManagementFactory.getGarbageCollectorMXBeans()) {
            gcMillis += Math.max(0, bean.getCollectionTime());
            if (bean.getName().contains("Old") || bean.getName().contains("MarkSweep")) {
                fullGcs += Math.max(0, bean.getCollectionCount());
            }
        }
        Runtime runtime = Runtime.getRuntime();
        return " ops=" + ops.getAndSet(0) + " worst_stall_ms=" + worstStallNanos.getAndSet(0) / 1_000_000
                + " oome=" + errors.get() + " corrupt=" + corrupt.get() + " full_gcs=" + fullGcs + " gc_ms=" + gcMillis
                + " committed_bytes=" + runtime.totalMemory() + " used_bytes=" + (runtime.totalMemory() - runtime.freeMemory());
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

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
