package org.aerostat.agent;

/**
 * The Java-heap balloon of this JVM, as {@code org.aerostat:type=HeapBalloon}.
 *
 * <p>Sizes are bytes. Figures are at most about a second old. Tools that watch heap usage can subtract {@link
 * #getGrantedBytes()}: to them the balloon looks like used memory.
 */
public interface HeapBalloonMXBean {
    /** Heap that the balloon takes from the program. */
    long getGrantedBytes();

    /** Of these, in memory at the last look: granted less verified. */
    long getResidentBytes();

    /** Of these, with the operating system at the last look. */
    long getVerifiedBytes();

    /** Chunks whose pages came back and were released again, since the JVM started. */
    long getRefills();

    /** Chunks that the collector took before they were given back, since the JVM started. */
    long getClearedChunks();

    /** A lower target is not tried. */
    long getFloorBytes();

    /** Resident bytes of the heap. */
    long getFootprintBytes();

    /** What the heap may hold in memory; -1: no target is in force. */
    long getTargetBytes();

    /** Empty until an operation has ended. */
    String getLastOperationId();

    /** Why it ended where it did: met, deadline, floor, ... */
    String getLastOperationReason();

    long getLastOperationAskedBytes();

    long getLastOperationObtainedBytes();

    long getLastOperationElapsedMillis();

    /** Empty, or why the balloon is giving back. */
    String getDistress();

    String getCollector();

    /** The switch. */
    boolean isEnabled();

    /**
     * Off: within about a second the balloon gives everything back, and takes nothing until it is on again.
     *
     * @param enabled whether this JVM may be ballooned
     */
    void setEnabled(boolean enabled);
}
