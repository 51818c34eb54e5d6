package org.aerostat.agent;

import java.lang.invoke.VarHandle;

/** What the agent's thread leaves behind for readers of the MXBean; written as HeapBalloon's figures are. */
public final class GuestMemory implements GuestMemoryMXBean {
    // Places in FIGURES; the same order as in condition_bean.h.
    private static final int VALIDITY = 0;
    private static final int LEVEL = 1;
    private static final int TREND = 2;
    private static final int HOST_LEVEL = 3;
    private static final int AVAILABLE = 4;
    private static final int SUGGESTED_RELEASE = 5;
    private static final int JAVA_BALLOONED = 6;
    private static final int GUEST_BALLOONED = 7;
    private static final int GUEST_TARGET = 8;
    private static final int GUEST_TOTAL = 9;
    private static final int UPDATED = 10;
    private static final int STALE_AFTER = 11;
    private static final int COUNT = 12;

    private static final long NANOS_PER_MILLI = 1_000_000;
    private static final long NO_DAEMON = 1;
    private static final String[] VALIDITIES = {"VALID", "NO_DAEMON", "STALE", "NO_HOST"};
    private static final String[] LEVELS = {"AMPLE", "ADVISORY", "TIGHT", "CRITICAL"};
    private static final String[] TRENDS = {"STEADY", "RISING", "FALLING"};

    static final long[] FIGURES = new long[COUNT];
    static volatile int version;

    GuestMemory() {}

    static String validity(long number) {
        return name(VALIDITIES, number);
    }

    static String level(long number) {
        return name(LEVELS, number);
    }

    static String trend(long number) {
        return name(TRENDS, number);
    }

    private static String name(String[] names, long number) {
        return number >= 0 && number < names.length ? names[(int) number] : "";
    }

    /** All figures of one moment. */
    private static long[] figures() {
        while (true) {
            int before = version;
            long[] copy = FIGURES.clone();
            VarHandle.acquireFence();
            if ((before & 1) == 0 && version == before) {
                return copy;
            }
            Thread.onSpinWait();
        }
    }

    @Override
    public String getValidity() {
        long[] now = figures();
        boolean old = now[VALIDITY] != NO_DAEMON && System.nanoTime() - now[UPDATED] > now[STALE_AFTER];
        return old ? "STALE" : validity(now[VALIDITY]);
    }

    @Override
    public String getLevel() {
        return level(figures()[LEVEL]);
    }

    @Override
    public String getTrend() {
        return trend(figures()[TREND]);
    }

    @Override
    public String getHostLevel() {
        return level(figures()[HOST_LEVEL]);
    }

    @Override
    public long getAvailableBytes() {
        return figures()[AVAILABLE];
    }

    @Override
    public long getSuggestedReleaseBytes() {
        return figures()[SUGGESTED_RELEASE];
    }

    @Override
    public long getJavaBalloonedBytes() {
        return figures()[JAVA_BALLOONED];
    }

    @Override
    public long getGuestBalloonedBytes() {
        return figures()[GUEST_BALLOONED];
    }

    @Override
    public long getGuestTargetBytes() {
        return figures()[GUEST_TARGET];
    }

    @Override
    public long getGuestTotalBytes() {
        return figures()[GUEST_TOTAL];
    }

    @Override
    public long getAgeMillis() {
        long[] now = figures();
        return now[VALIDITY] == NO_DAEMON ? -1 : Math.max(0, (System.nanoTime() - now[UPDATED]) / NANOS_PER_MILLI);
    }
}
