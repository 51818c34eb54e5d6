package org.aerostat;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The daemon's page, mapped read-only. It has two slots; the daemon writes into the one that readers are not sent to, so a
 * second try is hardly ever needed. The latest value is kept: reading an unchanged page allocates nothing. Any thread.
 */
final class ConditionPage {
    private static final VarHandle INTS = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONGS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int TRIES = 1000; // some tens of microseconds
    private static final long CLOCK_ERROR_NANOS = 1_000_000_000L;
    private static final String OLD = "the daemon has not written for longer than it promised to: it has ended or hangs";

    private final ByteBuffer page;
    // Racy on purpose: values are immutable, and any of them is right for whom the page still says the same.
    private Read latest;
    private MemoryCondition latestStale;

    private record Read(int sequence, MemoryCondition condition) {}

    ConditionPage(ByteBuffer page) {
        this.page = page;
    }

    /** Throws InternalError if somebody cut the file short; the daemon never does. */
    MemoryCondition read() {
        Read known = latest;
        int sequence = (int) INTS.getAcquire(page, PageLayout.SEQUENCE_OFFSET);
        if (known != null && known.sequence == sequence) {
            // A file that was written anew could come to the same sequence, but not at the same time.
            long updated = (long) LONGS.getOpaque(page, slot(sequence) + PageLayout.UPDATED * Long.BYTES);
            if (updated == known.condition.words()[PageLayout.UPDATED]) {
                return aged(known.condition);
            }
        }
        return readAnew(known == null ? null : known.condition);
    }

    private static int slot(int sequence) {
        return PageLayout.SLOTS_OFFSET + PageLayout.SLOT_BYTES * (sequence & 1);
    }

    private MemoryCondition readAnew(MemoryCondition known) {
        String trouble = troubleWithHeader();
        if (trouble != null) {
            return MemoryCondition.noDaemon(trouble);
        }
        long[] words = new long[PageLayout.WORDS];
        for (int i = 0; i < TRIES; i++) {
            int sequence = (int) INTS.getAcquire(page, PageLayout.SEQUENCE_OFFSET);
            copy(slot(sequence), words);
            VarHandle.acquireFence();
            if ((int) INTS.getOpaque(page, PageLayout.SEQUENCE_OFFSET) == sequence) {
                return taken(sequence, words);
            }
            Thread.onSpinWait();
        }
        // No daemon writes like that. What was read a moment ago is no worse than what would be read now.
        return known != null ? aged(known) : MemoryCondition.noDaemon("the page is written without end: that is no daemon");
    }

    private void copy(int slot, long[] words) {
        for (int word = 0; word < words.length; word++) {
            words[word] = (long) LONGS.getOpaque(page, slot + word * Long.BYTES);
        }
    }

    private MemoryCondition taken(int sequence, long[] words) {
        if (words[PageLayout.CHECKSUM] != PageLayout.checksum(words)) {
            return MemoryCondition.noDaemon("no daemon has written the page yet");
        }
        MemoryCondition.Validity validity = PageLayout.validity(words);
        if (validity == MemoryCondition.Validity.NO_DAEMON) {
            return MemoryCondition.noDaemon("the daemon has ended");
        }
        MemoryCondition read = new MemoryCondition(words, validity, reason(validity));
        latest = new Read(sequence, read);
        return aged(read);
    }

    private String troubleWithHeader() {
        long magic = (long) LONGS.getOpaque(page, PageLayout.MAGIC_OFFSET);
        if (magic != PageLayout.MAGIC) {
            return magic == 0 ? "no daemon has written the page yet" : "the page is none of Aerostat's";
        }
        int version = (int) INTS.getOpaque(page, PageLayout.VERSION_OFFSET);
        if (version != PageLayout.VERSION) {
            return "the page has version " + version + ", this library knows " + PageLayout.VERSION
                    + ": take the aerostat.jar that came with the daemon";
        }
        int size = (int) INTS.getOpaque(page, PageLayout.SIZE_OFFSET);
        return size < PageLayout.STATE_BYTES || size > PageLayout.SLOT_BYTES ? "the page says that a slot has " + size + " bytes" : null;
    }

    private static String reason(MemoryCondition.Validity validity) {
        return switch (validity) {
            case VALID -> "";
            case NO_HOST -> "no host is connected to the daemon";
            default -> "the daemon says that its figures do not hold";
        };
    }

    private MemoryCondition aged(MemoryCondition read) {
        long age = System.nanoTime() - read.words()[PageLayout.UPDATED];
        if (!isOld(age, read.words()[PageLayout.STALE_AFTER]) || !read.isValid()) {
            return read;
        }
        MemoryCondition stale = latestStale;
        if (stale == null || stale.words() != read.words()) {
            stale = read.turnedStale(OLD);
            latestStale = stale;
        }
        return stale;
    }

    /** A time that is well beyond now is of another clock, or from before a reboot. */
    private static boolean isOld(long age, long staleAfter) {
        return age < 0 ? age < -CLOCK_ERROR_NANOS : Long.compareUnsigned(age, staleAfter) > 0;
    }
}
