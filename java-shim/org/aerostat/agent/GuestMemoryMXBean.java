package org.aerostat.agent;

/**
 * The memory condition of this JVM's guest, as {@code org.aerostat:type=GuestMemory}: what guestd's page says, copied once a
 * second. Sizes are bytes; -1: nobody knows.
 */
public interface GuestMemoryMXBean {
    /** VALID, NO_HOST, STALE or NO_DAEMON. */
    String getValidity();

    /** AMPLE, ADVISORY, TIGHT or CRITICAL; empty: unknown. */
    String getLevel();

    /** Of the available memory: STEADY, RISING or FALLING; empty: unknown. */
    String getTrend();

    /** As getLevel(), of the host; empty also where the host does not share it. */
    String getHostLevel();

    /** What a program may still take without making anybody wait for memory. */
    long getAvailableBytes();

    /** What all programs of the guest together should give back. */
    long getSuggestedReleaseBytes();

    long getJavaBalloonedBytes();

    long getGuestBalloonedBytes();

    long getGuestTargetBytes();

    long getGuestTotalBytes();

    /** How long ago guestd wrote this. */
    long getAgeMillis();
}
