import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/**
 * Requests at fixed times, whether or not earlier ones have been answered. Latency counts from the time a request was due, so
 * that a stall of the JVM counts for every request that had to wait for it.
 */
final class OpenLoop {
    private static final long LONGEST_MICROS = 120_000_000;
    private static final long NOTHING = Long.MAX_VALUE;
    private static final long LOOK_NANOS = 50_000_000; // for another schedule, while nothing is due

    private final Program program;
    private final Recorder latencies = new Recorder(LONGEST_MICROS, 3);
    private final LongAdder answered = new LongAdder();
    private final AtomicLong wrong = new AtomicLong();
    private final AtomicLongArray underWay; // when each thread's request was due
    private volatile long rate;
    private volatile Schedule schedule = Schedule.steady(0);

    OpenLoop(Program program, int threads) {
        this.program = program;
        underWay = new AtomicLongArray(threads);
        for (int i = 0; i < threads; i++) {
            int number = i;
            underWay.set(number, NOTHING);
            Thread thread = new Thread(() -> work(number, new SplittableRandom(number)), "load-" + i);
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
        follow(Schedule.steady(rate));
    }

    /** As {@link #begin}, with these rates from now on. */
    void follow(Schedule next) {
        schedule = next;
        latencies.reset();
        answered.reset();
    }

    /** How many requests were answered since {@link #begin}. */
    long answered() {
        return answered.sum();
    }

    /**
     * What was counted since {@link #begin}. Requests that are due and not answered yet count for the percentiles with the time
     * they have waited so far: a program that stands still looks no better than one that is late.
     */
    String report() {
        long now = System.nanoTime();
        Schedule of = schedule;
        double seconds = (now - of.began()) / 1e9;
        long ops = answered.sum();
        long due = of.dueBy(now);
        Histogram seen = latencies.getIntervalHistogram();
        addWaiting(seen, of, now, due);
        return String.format(Locale.ROOT,
                " ops=%d due=%d seconds=%.3f p50_ms=%.3f p99_ms=%.3f p999_ms=%.3f worst_ms=%.3f wrong=%d", ops, due, seconds,
                millis(seen, 50), millis(seen, 99), millis(seen, 99.9), seen.getMaxValue() / 1e3, wrong.get());
    }

    private static double millis(Histogram seen, double percentile) {
        return seen.getValueAtPercentile(percentile) / 1e3;
    }

    private void addWaiting(Histogram to, Schedule of, long now, long due) {
        for (int i = 0; i < underWay.length(); i++) {
            long since = underWay.get(i);
            if (since >= of.began() && since < now) {
                to.recordValue(micros(now - since));
            }
        }
        for (long ticket = of.taken(); ticket < due; ticket++) {
            to.recordValue(micros(now - of.due(ticket)));
        }
    }

    private static long micros(long nanos) {
        return Math.max(0, Math.min(LONGEST_MICROS, nanos / 1000));
    }

    private void work(int number, SplittableRandom random) {
        while (true) {
            Schedule now = schedule;
            long due = now.take();
            if (due == NOTHING) {
                awaitAnother(now);
                continue;
            }
            underWay.set(number, due);
            waitUntil(due, now);
            if (now == schedule) {
                serve(random);
            }
            underWay.set(number, NOTHING);
            if (now == schedule) { // what an earlier schedule was owed counts for nobody
                latencies.recordValue(micros(System.nanoTime() - due));
                answered.increment();
            }
        }
    }

    private void awaitAnother(Schedule ended) {
        while (schedule == ended) {
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    private void waitUntil(long due, Schedule of) {
        for (long left = due - System.nanoTime(); left > 0 && schedule == of; left = due - System.nanoTime()) {
            LockSupport.parkNanos(Math.min(left, LOOK_NANOS));
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
