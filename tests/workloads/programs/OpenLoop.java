import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/**
 * Requests at fixed times, whether or not earlier ones have been answered. Latency counts from the time a request was due, so
 * that a stall of the JVM counts for every request that had to wait for it.
 */
final class OpenLoop {
    private static final long LONGEST_MICROS = 120_000_000;

    /** Its requests are due at {@code began + ticket * interval}; whichever thread is free takes the next ticket. */
    private record Schedule(long began, long interval, AtomicLong tickets) {
        static Schedule of(long rate) {
            return new Schedule(System.nanoTime(), rate > 0 ? 1_000_000_000L / rate : 0, new AtomicLong());
        }
    }

    private final Program program;
    private final Recorder latencies = new Recorder(LONGEST_MICROS, 3);
    private final AtomicLong wrong = new AtomicLong();
    private volatile long rate;
    private volatile Schedule schedule = Schedule.of(0);

    OpenLoop(Program program, int threads) {
        this.program = program;
        for (int i = 0; i < threads; i++) {
            long seed = i;
            Thread thread = new Thread(() -> work(new SplittableRandom(seed)), "load-" + i);
            thread.setDaemon(true);
            thread.start();
        }
    }

    /** Requests a second from now on; 0: none. */
    void rate(long requestsPerSecond) {
        rate = requestsPerSecond;
        begin();
    }

    /** Forgets what was counted and what is overdue; wrong answers are never forgotten. */
    void begin() {
        schedule = Schedule.of(rate);
        latencies.reset();
    }

    /** What was counted since {@link #begin}. */
    String report() {
        double seconds = (System.nanoTime() - schedule.began()) / 1e9;
        Histogram seen = latencies.getIntervalHistogram();
        return String.format(java.util.Locale.ROOT, " ops=%d seconds=%.3f p50_ms=%.3f p99_ms=%.3f worst_ms=%.3f wrong=%d",
                seen.getTotalCount(), seconds, seen.getValueAtPercentile(50) / 1e3, seen.getValueAtPercentile(99) / 1e3,
                seen.getMaxValue() / 1e3, wrong.get());
    }

    private void work(SplittableRandom random) {
        while (true) {
            Schedule now = schedule;
            if (now.interval() == 0) {
                LockSupport.parkNanos(10_000_000);
                continue;
            }
            long due = now.began() + now.tickets().getAndIncrement() * now.interval();
            waitUntil(due);
            serve(random);
            if (now == schedule) { // what an earlier schedule was owed counts for nobody
                latencies.recordValue(Math.min(LONGEST_MICROS, (System.nanoTime() - due) / 1000));
            }
        }
    }

    private static void waitUntil(long due) {
        for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    /** An OutOfMemoryError is not caught: the JVM runs with ExitOnOutOfMemoryError, whatever thread it happens in. */
    private void serve(SplittableRandom random) {
        try {
            program.request(random);
        } catch (Exception e) {
            if (wrong.incrementAndGet() <= 5) {
                e.printStackTrace();
            }
        }
    }
}
