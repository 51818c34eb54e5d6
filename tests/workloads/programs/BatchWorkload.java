import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;

/**
 * A job that runs at certain hours: while there are requests it loads a data set, block by block, and sorts and sums up parts of
 * it; when there are no more it lets go of everything. Its memory is needed for a part of the day only.
 */
final class BatchWorkload implements Program {
    private static final int BLOCK_NUMBERS = 1 << 15;
    private static final int BLOCK_BYTES = BLOCK_NUMBERS * Long.BYTES;
    private static final int LOADED_EACH = 4; // blocks a request loads on its way, until all are there
    private static final long OVER_NANOS = 3_000_000_000L;

    private final AtomicReferenceArray<long[]> blocks;
    private final AtomicInteger loaded = new AtomicInteger();
    private volatile long lastRequest = System.nanoTime();

    private BatchWorkload(int count) {
        blocks = new AtomicReferenceArray<>(count);
        Thread thread = new Thread(this::letGoWhenOver, "over");
        thread.setDaemon(true);
        thread.start();
    }

    public static void main(String[] args) throws Exception {
        Console.serve(new BatchWorkload((int) (Console.liveBytes(args) / BLOCK_BYTES)));
    }

    @Override
    public void request(SplittableRandom random) throws Exception {
        lastRequest = System.nanoTime();
        for (int i = 0; i < LOADED_EACH && loaded.get() < blocks.length(); i++) {
            block(loaded.getAndIncrement() % blocks.length());
        }
        sortAndSum(random.nextInt(blocks.length()));
    }

    private long[] block(int number) {
        long[] there = blocks.get(number);
        if (there == null) {
            there = numbers(number);
            blocks.set(number, there);
        }
        return there;
    }

    private static long[] numbers(int number) {
        SplittableRandom random = Content.random(number, 0);
        long[] made = new long[BLOCK_NUMBERS];
        for (int i = 0; i < made.length; i++) {
            made[i] = random.nextLong();
        }
        return made;
    }

    private void sortAndSum(int number) throws WrongAnswer {
        long[] sorted = block(number).clone();
        Arrays.sort(sorted);
        long sum = 0;
        for (int i = 0; i < sorted.length; i++) {
            sum += sorted[i];
            Program.require(i == 0 || sorted[i - 1] <= sorted[i], "the order of block " + number);
        }
        Program.require(sum == expected(number), "the sum of block " + number);
    }

    private static long expected(int number) {
        SplittableRandom random = Content.random(number, 0);
        long sum = 0;
        for (int i = 0; i < BLOCK_NUMBERS; i++) {
            sum += random.nextLong();
        }
        return sum;
    }

    private void letGoWhenOver() {
        while (true) {
            LockSupport.parkNanos(OVER_NANOS / 10);
            if (loaded.get() > 0 && System.nanoTime() - lastRequest > OVER_NANOS) {
                for (int i = 0; i < blocks.length(); i++) {
                    blocks.set(i, null);
                }
                loaded.set(0);
            }
        }
    }

    @Override
    public long checkAll() throws Exception {
        for (int number = 0; number < blocks.length(); number++) {
            long[] there = blocks.get(number);
            Program.require(there == null || Arrays.equals(there, numbers(number)), "the numbers of block " + number);
        }
        return blocks.length();
    }
}
