package org.aerostat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.OptionalDouble;
import java.util.Queue;
import java.util.concurrent.Executor;

/** One registered reclaimer. Its calls come one after another; nobody waits for them here. Any thread. */
final class ReclaimerEntry implements Runnable {
    private static final int MOST_WAITING = 4;
    private static final double WORTH_TELLING = 1.0 / 16;
    private static final double UNKNOWN_PRICE = -1;

    final String name;
    final MemoryReclaimer reclaimer;
    private final Executor executor;
    // Guarded by this.
    private final Queue<Runnable> waiting = new ArrayDeque<>();
    private boolean running;
    private boolean complained;
    private boolean hasGiven;
    private boolean told;
    private long toldBytes;
    private double toldPrice;

    ReclaimerEntry(String name, MemoryReclaimer reclaimer, Executor executor) {
        this.name = name;
        this.reclaimer = reclaimer;
        this.executor = executor;
    }

    /** Runs it after what waits already. False: too much waits, or there is no thread for it. */
    synchronized boolean submit(Runnable work) {
        if (waiting.size() >= MOST_WAITING) {
            return false;
        }
        if (!running) {
            try {
                executor.execute(this);
            } catch (RuntimeException | OutOfMemoryError noThread) {
                return false;
            }
            running = true;
        }
        return waiting.add(work);
    }

    synchronized boolean isIdle() {
        return !running;
    }

    @Override
    public void run() {
        for (Runnable next = next(); next != null; next = next()) {
            try {
                next.run();
            } catch (Throwable thrown) { // the program's
                complain(thrown);
            }
        }
    }

    private synchronized Runnable next() {
        Runnable next = waiting.poll();
        running = next != null;
        return next;
    }

    long release(long wanted, Duration within) {
        synchronized (this) {
            hasGiven = true;
        }
        try {
            return Math.max(0, reclaimer.reclaim(wanted, within));
        } catch (Throwable thrown) { // the program's
            complain(thrown);
            return 0;
        }
    }

    /** True once after release(). */
    synchronized boolean takeHasGiven() {
        boolean had = hasGiven;
        hasGiven = false;
        return had;
    }

    synchronized boolean isTold() {
        return told;
    }

    synchronized void forgetTold() {
        told = false;
    }

    /** What the daemon should be told now, or null if it knows. */
    String news() {
        long bytes = Math.max(0, reclaimer.releasableBytes());
        OptionalDouble given = reclaimer.price();
        double price = given.isPresent() && given.getAsDouble() >= 0 ? Math.min(given.getAsDouble(), Double.MAX_VALUE) : UNKNOWN_PRICE;
        synchronized (this) {
            if (told && !differs(bytes, toldBytes) && !differs(price, toldPrice)) {
                return null;
            }
            told = true;
            toldBytes = bytes;
            toldPrice = price;
        }
        Line line = Line.of("reclaimer").with("reclaimer", name).with("releasable_bytes", bytes);
        return (price == UNKNOWN_PRICE ? line : line.with("price", price)).end();
    }

    private static boolean differs(double now, double before) {
        return Math.abs(now - before) > WORTH_TELLING * Math.abs(before);
    }

    private void complain(Throwable thrown) {
        synchronized (this) {
            if (complained) {
                return;
            }
            complained = true;
        }
        Workers.complain("the reclaimer " + name + " threw; further throws of it are not reported", thrown);
    }
}
