import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.util.ArrayList;
import java.util.List;

/**
 * A program that wants to be told when its heap fills: it sets thresholds on its memory pools. Commands:
 *
 * <pre>
 * hold SIZE     hold this much live data
 * garbage SIZE  allocate this much that survives a while, and drop it
 * watch SIZE    set the usage threshold, and the one after collections, of each heap pool that has both
 * alarms        how often a threshold was exceeded, and used_bytes of the fullest pool that is watched
 * quit
 * </pre>
 */
public final class Alarmed extends Workload {
    private static final int PIECE = 64 * 1024;

    private final List<byte[]> held = new ArrayList<>();
    private final List<MemoryPoolMXBean> watched = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        daemon("allocator", Alarmed::allocate);
        new Alarmed().serve();
    }

    /** A little garbage all the time: collections run, and judge the thresholds. */
    private static void allocate() {
        for (long sum = 0; sum >= 0; sum += new byte[PIECE].length) {
            pause(200_000L);
        }
    }

    @Override
    String obey(String[] words) {
        switch (words[0]) {
            case "hold" -> hold(parseBytes(words[1]));
            case "garbage" -> {
                int before = held.size();
                hold(before * (long) PIECE + parseBytes(words[1]));
                held.subList(before, held.size()).clear();
            }
            case "watch" -> watch(parseBytes(words[1]));
            case "alarms" -> {
                return alarms() + health();
            }
            default -> throw new IllegalArgumentException("unknown command " + words[0]);
        }
        return "";
    }

    private void hold(long bytes) {
        while (held.size() * (long) PIECE > bytes) {
            held.remove(held.size() - 1);
        }
        while (held.size() * (long) PIECE < bytes) {
            held.add(new byte[PIECE]);
        }
    }

    private void watch(long bytes) {
        watched.clear();
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            if (pool.getType() == MemoryType.HEAP && pool.isUsageThresholdSupported()) {
                pool.setUsageThreshold(bytes);
                pool.setCollectionUsageThreshold(bytes);
                watched.add(pool);
            }
        }
    }

    private String alarms() {
        long count = 0;
        long used = 0;
        for (MemoryPoolMXBean pool : watched) {
            count += pool.getUsageThresholdCount() + pool.getCollectionUsageThresholdCount();
            used = Math.max(used, pool.getUsage().getUsed());
        }
        return " alarms=" + count + " watched=" + watched.size() + " used_bytes=" + used;
    }
}
