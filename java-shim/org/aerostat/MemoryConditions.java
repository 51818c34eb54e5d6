package org.aerostat;

import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * Where a program learns how memory is in its guest. All methods may be called from any thread, with or without a daemon.
 *
 * <pre>{@code
 * if (MemoryConditions.current().isAtLeast(MemoryCondition.Level.TIGHT)) {
 *     buffers.trim();
 * }
 * }</pre>
 */
public final class MemoryConditions {
    private static final Hub HUB = new Hub(RuntimeDirectory.configured());

    private MemoryConditions() {}

    /**
     * How memory is now. Costs tens of nanoseconds, no system call, and no memory while nothing has changed; so it can be asked
     * before each allocation that matters.
     *
     * @return the condition, never null; without a daemon it says so
     */
    public static MemoryCondition current() {
        return HUB.current();
    }

    /**
     * Calls the listener when level, validity or session have changed, and once soon after this call with the condition as it
     * is. Calls come one at a time, on a daemon thread of the library. A listener that is slow misses what was overtaken
     * meanwhile and is told the latest; what it throws is logged once. Neither disturbs other listeners.
     *
     * @param listener what to call
     * @return the registration; the listener is called until it is closed
     */
    public static Registration onChange(Consumer<? super MemoryCondition> listener) {
        return HUB.listen(listener, Workers.POOL, false);
    }

    /**
     * The same, on a thread of the program's choice.
     *
     * @param listener what to call
     * @param executor where; if it refuses, the listener is called at the next change
     * @return the registration
     */
    public static Registration onChange(Consumer<? super MemoryCondition> listener, Executor executor) {
        return HUB.listen(listener, executor, false);
    }

    /**
     * As {@link #onChange(Consumer)}, and also whenever a figure has changed by a noticeable amount: up to a few times a second.
     *
     * @param listener what to call
     * @return the registration
     */
    public static Registration onAnyChange(Consumer<? super MemoryCondition> listener) {
        return HUB.listen(listener, Workers.POOL, true);
    }

    /**
     * Lets the guest ask this cache for memory when it is short.
     *
     * @param name what operators see: 1 to 64 of {@code A-Za-z0-9._-}, another one for each reclaimer
     * @param reclaimer the cache
     * @return the registration; the reclaimer is asked until it is closed
     * @throws IllegalArgumentException if it is no such name
     * @throws IllegalStateException if the name is taken, or this program has 32 reclaimers already
     */
    public static Registration register(String name, MemoryReclaimer reclaimer) {
        return HUB.register(name, reclaimer);
    }
}
