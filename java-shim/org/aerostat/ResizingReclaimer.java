package org.aerostat;

import java.time.Duration;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/** See {@link MemoryReclaimer#resizing}. Thread: one at a time, as reclaimers are called. */
final class ResizingReclaimer implements MemoryReclaimer {
    private final LongSupplier held;
    private final LongSupplier maximum;
    private final LongConsumer setMaximum;
    private final long least;
    private OptionalLong before = OptionalLong.empty(); // the program's own maximum, while ours is in force
    private long ours;

    ResizingReclaimer(LongSupplier held, LongSupplier maximum, LongConsumer setMaximum, long least) {
        this.held = Objects.requireNonNull(held);
        this.maximum = Objects.requireNonNull(maximum);
        this.setMaximum = Objects.requireNonNull(setMaximum);
        this.least = Math.max(0, least);
    }

    @Override
    public synchronized long reclaim(long bytes, Duration within) {
        long holding = held.getAsLong();
        long now = maximum.getAsLong();
        long lower = Math.min(now, Math.max(least, holding - bytes));
        if (before.isEmpty() || now != ours) {
            before = OptionalLong.of(now);
        }
        ours = lower;
        setMaximum.accept(lower);
        return Math.max(0, holding - held.getAsLong());
    }

    @Override
    public synchronized void restore(MemoryCondition now) {
        if (before.isPresent() && maximum.getAsLong() == ours) {
            setMaximum.accept(before.getAsLong());
        }
        before = OptionalLong.empty();
    }

    @Override
    public long releasableBytes() {
        return Math.max(0, held.getAsLong() - least);
    }
}
