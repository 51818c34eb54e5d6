package org.aerostat.agent;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;

/**
 * Sets manageable JVM flags through the checked, standard way. Called by native code only, on the agent's thread, and
 * defined when the first flag is to be set: until then the program carries none of these classes.
 */
final class Flags {
    private Flags() {}

    /** Null if it was set, else why not. Never throws. */
    static String set(String name, String value) {
        try {
            ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class).setVMOption(name, value);
            return null;
        } catch (RuntimeException refused) {
            return String.valueOf(refused.getMessage());
        }
    }
}
