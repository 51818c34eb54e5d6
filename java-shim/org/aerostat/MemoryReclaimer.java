package org.aerostat;

import java.time.Duration;
import java.util.OptionalDouble;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * A cache, pool or buffer that can give memory back when the guest is short of it.
 *
 * <p>Calls come one at a time, on a daemon thread of the library; what they throw is reported as nothing released.
 */
public interface MemoryReclaimer {
    /**
     * Releases memory: all that was asked, or less. What becomes garbage counts as released; the collector takes it from there.
     *
     * @param bytes what is asked for, more than zero
     * @param within when the answer is needed; a later one still counts as released, but comes too late for who asked
     * @return bytes released; 0 if nothing could be
     */
    long reclaim(long bytes, Duration within);

    /**
     * Memory is ample again after {@link #reclaim} was called: a cache may grow back to what it was.
     *
     * @param now the condition that says so
     */
    default void restore(MemoryCondition now) {}

    /**
     * What could be released now. Asked about once a second while registered, so it should cost little.
     *
     * @return bytes
     */
    long releasableBytes();

    /**
     * What the memory is worth: CPU seconds lost a second for each GiB released, in the same currency as the cost curves of
     * heaps. For a cache: misses that a GiB saves in a second, times the CPU seconds that a miss costs.
     *
     * @return the price, or empty if that is not known
     */
    default OptionalDouble price() {
        return OptionalDouble.empty();
    }

    /**
     * A reclaimer for any cache whose maximum can be set while it runs. It lowers the maximum by what it is asked for, and puts
     * it back when memory is ample, unless the program has set another one meanwhile.
     *
     * @param held what the cache holds now, bytes
     * @param maximum what it may hold, bytes
     * @param setMaximum sets that; the cache should evict before it returns, so that what was released can be told
     * @param least bytes that are never taken from it
     * @return the reclaimer, with no price
     */
    static MemoryReclaimer resizing(LongSupplier held, LongSupplier maximum, LongConsumer setMaximum, long least) {
        return new ResizingReclaimer(held, maximum, setMaximum, least);
    }
}
