package org.aerostat;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.aerostat.MemoryCondition.Level;
import org.aerostat.MemoryCondition.Trend;
import org.aerostat.MemoryCondition.Validity;

/**
 * The daemon's page as contract/condition_page.h lays it out, and what its values mean. A state is an array of its words of
 * eight bytes; an empty one stands for nothing known.
 */
final class PageLayout {
    static final int PAGE_BYTES = 4096;
    static final int MAGIC_OFFSET = 0;
    static final int VERSION_OFFSET = 8;
    static final int SIZE_OFFSET = 12;
    static final int SEQUENCE_OFFSET = 16;
    static final int SLOTS_OFFSET = 64;
    static final int SLOT_BYTES = 512;
    static final int STATE_BYTES = 144;
    static final long MAGIC = 0x4e4f4354534f5241L; // "AROSTCON" as bytes
    static final int VERSION = 1;

    // Words of a state.
    static final int SESSION = 0;
    static final int UPDATED = 1;
    static final int STALE_AFTER = 2;
    static final int LEVEL_AND_TREND = 3;
    static final int VALIDITY_AND_HOST_LEVEL = 4;
    static final int AVAILABLE = 6;
    static final int SUGGESTED_RELEASE = 7;
    static final int DEADLINE = 8;
    static final int JAVA_BALLOONED = 9;
    static final int GUEST_BALLOONED = 10;
    static final int GUEST_TARGET = 11;
    static final int GUEST_TOTAL = 12;
    static final int HOST_PRICE = 13;
    static final int PSI_SOME = 14;
    static final int PSI_FULL = 15;
    static final int UPDATES = 16;
    static final int CHECKSUM = 17;
    static final int WORDS = 18;

    private static final long UNKNOWN = -1;
    private static final int NOBODY_KNOWS = -1;
    private static final int TURN = 7;

    private static final Optional<Level> AMPLE = Optional.of(Level.AMPLE);
    private static final Optional<Level> ADVISORY = Optional.of(Level.ADVISORY);
    private static final Optional<Level> TIGHT = Optional.of(Level.TIGHT);
    private static final Optional<Level> CRITICAL = Optional.of(Level.CRITICAL);

    static final long[] NOTHING = {};

    private PageLayout() {}

    static boolean isNothing(long[] words) {
        return words.length == 0;
    }

    private static int low(long[] words, int word) {
        return (int) words[word];
    }

    private static int high(long[] words, int word) {
        return (int) (words[word] >>> Integer.SIZE);
    }

    static long checksum(long[] words) {
        long sum = MAGIC;
        for (int word = 0; word < CHECKSUM; word++) {
            sum = Long.rotateLeft(sum, TURN) ^ words[word];
        }
        return sum;
    }

    /** What the daemon says itself. What is not understood is not valid. */
    static Validity validity(long[] words) {
        return switch (low(words, VALIDITY_AND_HOST_LEVEL)) {
            case 0 -> Validity.VALID;
            case 1 -> Validity.NO_DAEMON;
            case 3 -> Validity.NO_HOST;
            default -> Validity.STALE;
        };
    }

    static Optional<Level> level(long[] words) {
        return isNothing(words) ? Optional.empty() : level(low(words, LEVEL_AND_TREND));
    }

    static Optional<Level> hostLevel(long[] words) {
        return isNothing(words) ? Optional.empty() : level(high(words, VALIDITY_AND_HOST_LEVEL));
    }

    /** A level that only a newer daemon knows counts as the worst. */
    private static Optional<Level> level(int number) {
        return switch (number) {
            case NOBODY_KNOWS -> Optional.empty();
            case 0 -> AMPLE;
            case 1 -> ADVISORY;
            case 2 -> TIGHT;
            default -> CRITICAL;
        };
    }

    static Optional<Trend> trend(long[] words) {
        if (isNothing(words)) {
            return Optional.empty();
        }
        return switch (high(words, LEVEL_AND_TREND)) {
            case 0 -> Optional.of(Trend.STEADY);
            case 1 -> Optional.of(Trend.RISING);
            case 2 -> Optional.of(Trend.FALLING);
            default -> Optional.empty();
        };
    }

    static OptionalLong bytes(long[] words, int word) {
        return isNothing(words) || words[word] == UNKNOWN ? OptionalLong.empty() : OptionalLong.of(words[word]);
    }

    /** A figure that is negative, or no number, is unknown. */
    static OptionalDouble figure(long[] words, int word) {
        double value = isNothing(words) ? -1 : Double.longBitsToDouble(words[word]);
        return value >= 0 && value < Double.POSITIVE_INFINITY ? OptionalDouble.of(value) : OptionalDouble.empty();
    }

    static String text(Optional<?> value) {
        return value.map(String::valueOf).orElse("unknown");
    }

    static String text(OptionalLong value) {
        return value.isPresent() ? Long.toString(value.getAsLong()) : "unknown";
    }
}
