import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Scheduler;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * A Caffeine cache in front of something slow. Some entries are asked for much more often than others, by Zipf's law; what nobody
 * has asked for lately is dropped, so that the cache is large when there is much to do and small when there is little.
 */
final class CacheWorkload implements Program {
    private static final int ENTRY_BYTES = 4096;
    private static final int KEYS_PER_ENTRY = 2; // twice as many keys as the cache may hold
    private static final double SKEW = 0.9;
    private static final long LOAD_NANOS = 500_000; // as from another server
    private static final Duration KEPT_UNUSED = Duration.ofSeconds(10);

    private record Entry(int key, int checksum, byte[] content) {}

    private final Cache<Integer, Entry> cache;
    private final double[] upTo;

    private CacheWorkload(long bytes) {
        cache = Caffeine.newBuilder()
                .maximumWeight(bytes)
                .weigher((Integer key, Entry entry) -> entry.content().length)
                .expireAfterAccess(KEPT_UNUSED)
                .scheduler(Scheduler.systemScheduler())
                .build();
        upTo = new double[(int) (bytes / ENTRY_BYTES) * KEYS_PER_ENTRY];
        double sum = 0;
        for (int i = 0; i < upTo.length; i++) {
            sum += 1 / Math.pow(i + 1, SKEW);
            upTo[i] = sum;
        }
    }

    public static void main(String[] args) throws Exception {
        Console.serve(new CacheWorkload(Console.liveBytes(args)));
    }

    @Override
    public void request(SplittableRandom random) throws Exception {
        int found = Arrays.binarySearch(upTo, random.nextDouble() * upTo[upTo.length - 1]);
        int key = found < 0 ? -found - 1 : found;
        verify(key, cache.get(key, CacheWorkload::load));
    }

    private static Entry load(int key) {
        LockSupport.parkNanos(LOAD_NANOS);
        byte[] content = Content.bytes(key, 0, ENTRY_BYTES);
        return new Entry(key, Content.checksum(content), content);
    }

    private static void verify(int key, Entry entry) throws WrongAnswer {
        Program.require(entry.key() == key, "entry " + entry.key() + " under key " + key);
        Program.require(Content.checksum(entry.content()) == entry.checksum(), "content of entry " + key);
    }

    @Override
    public long checkAll() throws Exception {
        long seen = 0;
        for (Entry entry : cache.asMap().values()) {
            Program.require(Arrays.equals(entry.content(), Content.bytes(entry.key(), 0, ENTRY_BYTES)), "entry " + entry.key());
            seen++;
        }
        return seen;
    }
}
