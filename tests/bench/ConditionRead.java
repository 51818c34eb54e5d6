import java.util.Arrays;
import org.aerostat.MemoryCondition;
import org.aerostat.MemoryConditions;

/**
 * What MemoryConditions.current() costs: the median of many rounds. Prints "median_ns=... worst_round_ns=...
 * bytes_a_read=...".
 */
public final class ConditionRead {
    private static final int READS = 20_000;

    private ConditionRead() {}

    public static void main(String[] args) {
        int rounds = Integer.parseInt(args[0]);
        MemoryCondition first = MemoryConditions.current();
        if (!first.isValid()) {
            System.err.println("nothing to measure: " + first);
            System.exit(1);
        }
        for (int i = 0; i < 500; i++) { // the compilers' turn
            reads();
        }
        double[] read = new double[rounds];
        long allocated = allocated();
        for (int i = 0; i < rounds; i++) {
            read[i] = reads();
        }
        allocated = allocated() - allocated;
        Arrays.sort(read);
        System.out.printf("median_ns=%.2f worst_round_ns=%.2f bytes_a_read=%.4f%n", read[rounds / 2], read[rounds - 1],
                (double) allocated / rounds / READS);
    }

    private static double reads() {
        long begin = System.nanoTime();
        int valid = 0;
        for (int i = 0; i < READS; i++) {
            valid += MemoryConditions.current().isValid() ? 1 : 0;
        }
        long end = System.nanoTime();
        if (valid != READS) {
            throw new IllegalStateException("the page grew stale under measurement");
        }
        return (double) (end - begin) / READS;
    }

    private static long allocated() {
        return ((com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean())
                .getCurrentThreadAllocatedBytes();
    }
}
