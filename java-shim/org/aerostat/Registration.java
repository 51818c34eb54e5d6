package org.aerostat;

/** Something registered with {@link MemoryConditions}, until it is closed. Closing again does nothing. */
public interface Registration extends AutoCloseable {
    /**
     * Ends the registration. No call begins afterwards; one that is running is not waited for, so that a listener may close
     * itself.
     */
    @Override
    void close();
}
