import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.stats.CacheStats;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import org.aerostat.MemoryCondition;
import org.aerostat.MemoryConditions;
import org.aerostat.MemoryReclaimer;

/**
 * A server of pages with a Caffeine cache that gives memory back when the guest is short of it. What makes it do so is one
 * registration; the rest is any program with a cache.
 *
 * <p>{@code CachedPages [CACHE_MIB [SECONDS]]}: prints, once a second, how many requests were hits and what the cache holds.
 */
public final class CachedPages {
    private static final int PAGE_BYTES = 16 * 1024;
    private static final int PAGES = 20_000; // 312 MiB: more than the cache may hold
    private static final double SKEW = 0.9;
    private static final int REQUESTS_AT_ONCE = 2_000;
    private static final long MIB = 1 << 20;

    private CachedPages() {}

    public static void main(String[] args) throws InterruptedException {
        long cacheBytes = (args.length > 0 ? Long.parseLong(args[0]) : 192) * MIB;
        int seconds = args.length > 1 ? Integer.parseInt(args[1]) : Integer.MAX_VALUE;

        Cache<Integer, byte[]> pages = Caffeine.newBuilder()
                .maximumWeight(cacheBytes)
                .weigher((Integer number, byte[] page) -> page.length)
                .recordStats()
                .build();

        // The registration. The policy of the cache's eviction can say what it holds, and change its maximum.
        var eviction = pages.policy().eviction().orElseThrow();
        MemoryConditions.register("pages", MemoryReclaimer.resizing(
                () -> eviction.weightedSize().orElse(0), eviction::getMaximum, eviction::setMaximum, cacheBytes / 8));

        serve(pages, seconds);
    }

    private static void serve(Cache<Integer, byte[]> pages, int seconds) throws InterruptedException {
        Requests requests = new Requests();
        CacheStats before = pages.stats();
        for (int second = 0; second < seconds; second++) {
            long until = System.nanoTime() + 1_000_000_000L;
            while (System.nanoTime() < until) {
                for (int i = 0; i < REQUESTS_AT_ONCE; i++) {
                    pages.get(requests.next(), CachedPages::load);
                }
                Thread.sleep(1); // a server has other things to do, too
            }
            CacheStats now = pages.stats();
            show(pages, now.minus(before));
            before = now;
        }
    }

    /** As from a disk or another server: it costs something. */
    private static byte[] load(int number) {
        byte[] page = new byte[PAGE_BYTES];
        new Random(number).nextBytes(page);
        return page;
    }

    private static void show(Cache<Integer, byte[]> pages, CacheStats stats) {
        var eviction = pages.policy().eviction().orElseThrow();
        MemoryCondition memory = MemoryConditions.current();
        System.out.printf(Locale.ROOT, "level=%s requests=%d hit_rate=%.4f held_mib=%.1f maximum_mib=%.1f%n",
                memory.level().map(Enum::name).orElse("unknown"), stats.requestCount(), stats.hitRate(),
                (double) eviction.weightedSize().orElse(0) / MIB, (double) eviction.getMaximum() / MIB);
    }

    /** Some pages are asked for much more often than others, by Zipf's law. */
    private static final class Requests {
        private final Random random = new Random(1);
        private final double[] upTo = new double[PAGES];

        Requests() {
            double sum = 0;
            for (int i = 0; i < PAGES; i++) {
                sum += 1 / Math.pow(i + 1, SKEW);
                upTo[i] = sum;
            }
        }

        int next() {
            int found = Arrays.binarySearch(upTo, random.nextDouble() * upTo[PAGES - 1]);
            return found < 0 ? -found - 1 : found;
        }
    }
}
