package org.aerostat.agent;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Recording;
import jdk.jfr.RecordingState;
import jdk.jfr.StackTrace;

/**
 * The balloon's events in flight recordings. Called by native code only, on the agent's thread; the event classes are
 * defined when {@link #isRecording()} has first said yes.
 */
final class Flight {
    private Flight() {}

    static boolean isRecording() {
        if (!FlightRecorder.isInitialized()) {
            return false;
        }
        for (Recording recording : FlightRecorder.getFlightRecorder().getRecordings()) {
            if (recording.getState() == RecordingState.RUNNING) {
                return true;
            }
        }
        return false;
    }

    /** The kinds in the order of BalloonEvent::Kind. */
    static void commit(int kind, long bytes, long balloonBytes, String cause) {
        Change event =
                switch (kind) {
                    case 0 -> new Inflate();
                    case 1 -> new Deflate();
                    case 2 -> new Refill();
                    default -> new Guard();
                };
        event.bytes = bytes;
        event.balloonBytes = balloonBytes;
        event.cause = cause;
        event.commit();
    }

    /** The guest's memory, when its level or validity has changed. Numbers as in the condition page. */
    static void commitCondition(long validity, long level, long trend, long available, long suggestedRelease) {
        GuestMemoryChange event = new GuestMemoryChange();
        event.validity = GuestMemory.validity(validity);
        event.level = GuestMemory.level(level);
        event.trend = GuestMemory.trend(trend);
        event.availableBytes = available;
        event.suggestedReleaseBytes = suggestedRelease;
        event.commit();
    }

    @Name("org.aerostat.GuestMemory")
    @Label("Guest Memory")
    @Description("The memory condition of this JVM's guest has changed; -1: unknown")
    @Category("Aerostat")
    @StackTrace(false)
    static final class GuestMemoryChange extends Event {
        @Label("Validity")
        String validity;

        @Label("Level")
        String level;

        @Label("Trend")
        @Description("Of the available memory")
        String trend;

        @Label("Available")
        @Description("What a program may still take without making anybody wait for memory")
        @DataAmount(DataAmount.BYTES)
        long availableBytes;

        @Label("Suggested Release")
        @Description("What all programs of the guest together should give back")
        @DataAmount(DataAmount.BYTES)
        long suggestedReleaseBytes;
    }

    @Category("Aerostat")
    @StackTrace(false)
    abstract static class Change extends Event {
        @Label("Bytes")
        @DataAmount(DataAmount.BYTES)
        long bytes;

        @Label("Balloon After")
        @Description("Size of the balloon after it, in bytes of heap")
        @DataAmount(DataAmount.BYTES)
        long balloonBytes;

        @Label("Cause")
        String cause;
    }

    @Name("org.aerostat.Inflate")
    @Label("Balloon Inflated")
    @Description("The heap balloon took free heap and released its pages")
    static final class Inflate extends Change {}

    @Name("org.aerostat.Deflate")
    @Label("Balloon Deflated")
    @Description("The heap balloon gave heap back to the program")
    static final class Deflate extends Change {}

    @Name("org.aerostat.Refill")
    @Label("Balloon Refilled")
    @Description("Pages of the heap balloon had come back into memory and were released again")
    static final class Refill extends Change {}

    @Name("org.aerostat.Guard")
    @Label("Balloon Guard")
    @Description("The program needs memory: so many bytes were asked for from above")
    static final class Guard extends Change {}
}
