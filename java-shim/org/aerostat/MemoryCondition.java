package org.aerostat;

import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * How memory is, at one moment, in this guest: an immutable value whose figures belong together.
 *
 * <p>What nobody knows is empty, never zero. First ask {@link #validity()}, or use {@link #isAtLeast}, which is false whenever
 * there is nothing to act upon.
 */
public final class MemoryCondition {
    /** How short memory is. Levels have hysteresis: they do not flutter. */
    public enum Level {
        /** Nothing to do. */
        AMPLE,
        /** Do not grow without need. */
        ADVISORY,
        /** Give back what is cheap to give. */
        TIGHT,
        /** Give back what can be given: somebody is already waiting for memory. */
        CRITICAL
    }

    /** Where the available memory is going. */
    public enum Trend {
        /** Neither up nor down. */
        STEADY,
        /** There is more and more. */
        RISING,
        /** There is less and less. */
        FALLING
    }

    /** What the figures are worth. */
    public enum Validity {
        /** They hold. */
        VALID,
        /** They hold for this guest, and no host is connected: what the host plans is unknown. */
        NO_HOST,
        /** They are the last that were known; the daemon has not written for longer than it promised to. */
        STALE,
        /** There are none: no daemon runs here, or none that can be trusted or understood. */
        NO_DAEMON
    }

    private final long[] words;
    private final Validity validity;
    private final String reason;

    /** {@code words}: the page's, owned by this value from now on; empty: nothing is known. */
    MemoryCondition(long[] words, Validity validity, String reason) {
        this.words = words;
        this.validity = validity;
        this.reason = reason;
    }

    static MemoryCondition noDaemon(String reason) {
        return new MemoryCondition(PageLayout.NOTHING, Validity.NO_DAEMON, reason);
    }

    MemoryCondition turnedStale(String why) {
        return new MemoryCondition(words, Validity.STALE, why);
    }

    long[] words() {
        return words;
    }

    /** Of a valid one; negative: it is. */
    long millisUntilStale() {
        long age = System.nanoTime() - words[PageLayout.UPDATED];
        return (words[PageLayout.STALE_AFTER] - age) / 1_000_000;
    }

    /**
     * What the figures are worth.
     *
     * @return as it was when this value was read; a value that is kept does not grow stale by itself, see {@link #age()}
     */
    public Validity validity() {
        return validity;
    }

    /**
     * Whether the figures hold now, with or without a host.
     *
     * @return true for {@link Validity#VALID} and {@link Validity#NO_HOST}
     */
    public boolean isValid() {
        return validity == Validity.VALID || validity == Validity.NO_HOST;
    }

    /**
     * Why the condition is not valid, for people.
     *
     * @return a sentence, or nothing when it is valid
     */
    public String reason() {
        return reason;
    }

    /**
     * Whether memory is at least this short. The question to ask before acting.
     *
     * @param level such as {@link Level#TIGHT}
     * @return false if memory is easier than that, and whenever the condition is not valid
     */
    public boolean isAtLeast(Level level) {
        Optional<Level> now = level();
        return isValid() && now.isPresent() && now.get().compareTo(level) >= 0;
    }

    /**
     * How short memory is.
     *
     * @return the level, the last one known when stale; one that only a newer daemon knows is {@link Level#CRITICAL}
     */
    public Optional<Level> level() {
        return PageLayout.level(words);
    }

    /**
     * Where it is going.
     *
     * @return the trend of {@link #availableBytes()}
     */
    public Optional<Trend> trend() {
        return PageLayout.trend(words);
    }

    /**
     * Names one run of the daemon. When it changes (restart, migration, resume), drop what was derived from earlier values.
     *
     * @return the session
     */
    public OptionalLong session() {
        return PageLayout.isNothing(words) ? OptionalLong.empty() : OptionalLong.of(words[PageLayout.SESSION]);
    }

    /**
     * Counts the daemon's writes, over its restarts.
     *
     * @return the number of the write that this value comes from
     */
    public OptionalLong updates() {
        return PageLayout.isNothing(words) ? OptionalLong.empty() : OptionalLong.of(words[PageLayout.UPDATES]);
    }

    /**
     * How long ago the daemon wrote this, counted at the time of this call.
     *
     * @return the age
     */
    public Optional<Duration> age() {
        return PageLayout.isNothing(words)
                ? Optional.empty()
                : Optional.of(Duration.ofNanos(Math.max(0, System.nanoTime() - words[PageLayout.UPDATED])));
    }

    /**
     * What an application may still take without making anybody wait for memory.
     *
     * @return bytes
     */
    public OptionalLong availableBytes() {
        return PageLayout.bytes(words, PageLayout.AVAILABLE);
    }

    /**
     * What this guest should give back; 0 when memory is ample.
     *
     * @return bytes, of all programs of the guest together
     */
    public OptionalLong suggestedReleaseBytes() {
        return PageLayout.bytes(words, PageLayout.SUGGESTED_RELEASE);
    }

    /**
     * By when the suggested release is wanted, counted at the time of this call.
     *
     * @return the time left, zero when it has passed; empty: there is no deadline
     */
    public Optional<Duration> deadline() {
        long at = PageLayout.isNothing(words) ? 0 : words[PageLayout.DEADLINE];
        return at == 0 ? Optional.empty() : Optional.of(Duration.ofNanos(Math.max(0, at - System.nanoTime())));
    }

    /**
     * What balloons in Java heaps of this guest hold.
     *
     * @return bytes
     */
    public OptionalLong javaBalloonedBytes() {
        return PageLayout.bytes(words, PageLayout.JAVA_BALLOONED);
    }

    /**
     * What the guest's own balloon holds.
     *
     * @return bytes
     */
    public OptionalLong guestBalloonedBytes() {
        return PageLayout.bytes(words, PageLayout.GUEST_BALLOONED);
    }

    /**
     * What the host's plan leaves this guest in all, heaps included. Empty while no host orders it about.
     *
     * @return bytes
     */
    public OptionalLong guestTargetBytes() {
        return PageLayout.bytes(words, PageLayout.GUEST_TARGET);
    }

    /**
     * What this guest has, balloons included.
     *
     * @return bytes
     */
    public OptionalLong guestTotalBytes() {
        return PageLayout.bytes(words, PageLayout.GUEST_TOTAL);
    }

    /**
     * How short memory is on the host.
     *
     * @return the level; empty where the host does not share it
     */
    public Optional<Level> hostLevel() {
        return PageLayout.hostLevel(words);
    }

    /**
     * The host's price of memory: CPU seconds a second for each GiB.
     *
     * @return the price; empty where the host does not share it
     */
    public OptionalDouble hostPrice() {
        return PageLayout.figure(words, PageLayout.HOST_PRICE);
    }

    /**
     * Share of the last ten seconds in which some task waited for memory.
     *
     * @return percent; empty where the kernel does not say
     */
    public OptionalDouble psiSomePercent() {
        return PageLayout.figure(words, PageLayout.PSI_SOME);
    }

    /**
     * Share of the last ten seconds in which all tasks waited for memory.
     *
     * @return percent; empty where the kernel does not say
     */
    public OptionalDouble psiFullPercent() {
        return PageLayout.figure(words, PageLayout.PSI_FULL);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MemoryCondition that && validity == that.validity && Arrays.equals(words, that.words);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(words) + validity.hashCode();
    }

    @Override
    public String toString() {
        if (PageLayout.isNothing(words)) {
            return "MemoryCondition[" + validity + ": " + reason + "]";
        }
        return "MemoryCondition[" + validity + ", " + PageLayout.text(level()) + ", " + PageLayout.text(trend())
                + ", available " + PageLayout.text(availableBytes()) + ", release " + PageLayout.text(suggestedReleaseBytes()) + "]";
    }
}
