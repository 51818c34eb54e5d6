package org.aerostat.agent;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;

/**
 * What the program has set on its memory pools. Called by native code only, on the agent's thread, and defined when the
 * program itself has loaded the pools' classes: until then nobody can have set anything.
 */
final class Thresholds {
    private Thresholds() {}

    /** The lowest threshold on a heap pool that the balloon's chunks may be counted in; 0: there is none. */
    static long lowest() {
        long lowest = 0;
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            // Pools that objects are only born in have none for usage, and chunks are never there.
            if (pool.getType() != MemoryType.HEAP || !pool.isUsageThresholdSupported()) {
                continue;
            }
            lowest = lower(lowest, pool.getUsageThreshold());
            if (pool.isCollectionUsageThresholdSupported()) {
                lowest = lower(lowest, pool.getCollectionUsageThreshold());
            }
        }
        return lowest;
    }

    private static long lower(long known, long threshold) {
        return threshold > 0 && (known == 0 || threshold < known) ? threshold : known;
    }
}
