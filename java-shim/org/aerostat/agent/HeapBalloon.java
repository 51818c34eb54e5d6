package org.aerostat.agent;

import java.lang.invoke.VarHandle;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import javax.management.ObjectName;

/**
 * What the agent's thread leaves behind for readers of the MXBean, and the switch that it looks at.
 *
 * <p>There are no native methods. The agent writes into {@link #FIGURES} and {@link #WORDS} in place, so that it neither
 * allocates in a heap that may be full nor runs Java code; {@link #version} is odd while it writes.
 */
public final class HeapBalloon implements HeapBalloonMXBean, Runnable {
    // Places in FIGURES; the same order as in java_side.cpp.
    private static final int GRANTED = 0;
    private static final int RESIDENT = 1;
    private static final int VERIFIED = 2;
    private static final int REFILLS = 3;
    private static final int CLEARED_CHUNKS = 4;
    private static final int FLOOR = 5;
    private static final int FOOTPRINT = 6;
    private static final int TARGET = 7;
    private static final int LAST_ASKED = 8;
    private static final int LAST_OBTAINED = 9;
    private static final int LAST_ELAPSED = 10;
    private static final int COUNT = 11;

    // Lines in WORDS.
    private static final int COLLECTOR = 0;
    private static final int DISTRESS = 1;
    private static final int LAST_ID = 2;
    private static final int LAST_REASON = 3;

    private static final int WORDS_BYTES = 512;
    private static final long LONGEST_WAIT_NANOS = 60_000_000_000L;
    private static final long LOOK_AGAIN_MILLIS = 200;

    static final long[] FIGURES = new long[COUNT];
    static final byte[] WORDS = new byte[WORDS_BYTES];
    static volatile int version;
    static volatile boolean enabled = true;
    static volatile boolean failed;

    private HeapBalloon() {}

    /** On a thread of its own: listeners of the MBean server are the program's code, and are called by who registers. */
    static void register() {
        Thread thread = new Thread(null, new HeapBalloon(), "Aerostat JMX", 0, false);
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Making the platform's MBean server also makes the program's log manager and server builder, and some programs insist on
     * doing that themselves when they start: so it is waited for, up to a minute.
     */
    @Override
    public void run() {
        try {
            long until = System.nanoTime() + LONGEST_WAIT_NANOS;
            while (MBeanServerFactory.findMBeanServer(null).isEmpty() && System.nanoTime() < until) {
                Thread.sleep(LOOK_AGAIN_MILLIS);
            }
            MBeanServer server = ManagementFactory.getPlatformMBeanServer();
            server.registerMBean(this, new ObjectName("org.aerostat:type=HeapBalloon"));
            server.registerMBean(new GuestMemory(), new ObjectName("org.aerostat:type=GuestMemory"));
        } catch (Throwable noSuchModuleOrNameTakenOrNoRoom) { // never into the program's handler for uncaught ones
            failed = true;
        }
    }

    private static long figure(int place) {
        while (true) {
            int before = version;
            long value = FIGURES[place];
            if (isWhole(before)) {
                return value;
            }
        }
    }

    private static String word(int line) {
        while (true) {
            int before = version;
            byte[] copy = WORDS.clone();
            if (isWhole(before)) {
                return new String(copy, StandardCharsets.UTF_8).split("\n", -1)[line];
            }
        }
    }

    /** What was read since {@code before} was, belongs together. */
    private static boolean isWhole(int before) {
        VarHandle.acquireFence();
        if ((before & 1) == 0 && version == before) {
            return true;
        }
        Thread.onSpinWait();
        return false;
    }

    @Override
    public long getGrantedBytes() {
        return figure(GRANTED);
    }

    @Override
    public long getResidentBytes() {
        return figure(RESIDENT);
    }

    @Override
    public long getVerifiedBytes() {
        return figure(VERIFIED);
    }

    @Override
    public long getRefills() {
        return figure(REFILLS);
    }

    @Override
    public long getClearedChunks() {
        return figure(CLEARED_CHUNKS);
    }

    @Override
    public long getFloorBytes() {
        return figure(FLOOR);
    }

    @Override
    public long getFootprintBytes() {
        return figure(FOOTPRINT);
    }

    @Override
    public long getTargetBytes() {
        return figure(TARGET);
    }

    @Override
    public String getLastOperationId() {
        return word(LAST_ID);
    }

    @Override
    public String getLastOperationReason() {
        return word(LAST_REASON);
    }

    @Override
    public long getLastOperationAskedBytes() {
        return figure(LAST_ASKED);
    }

    @Override
    public long getLastOperationObtainedBytes() {
        return figure(LAST_OBTAINED);
    }

    @Override
    public long getLastOperationElapsedMillis() {
        return figure(LAST_ELAPSED);
    }

    @Override
    public String getDistress() {
        return word(DISTRESS);
    }

    @Override
    public String getCollector() {
        return word(COLLECTOR);
    }

    @Override
    public boolean isEnabled() {
        return enabled;
    }

    @Override
    public void setEnabled(boolean on) {
        enabled = on;
    }
}
