import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A heap that verifies itself: objects of many sizes with references between them, replaced at random by some threads
 * while others check them all the time. One damaged byte is found, counted, and told with its place.
 *
 * <p>Arguments: {@code [--threads N] [--checkers N] [--rate N] [--check-rate N] [--slab SIZE]}. With a slab size all
 * objects have that size. Commands:
 *
 * <pre>
 * live 200MiB   hold about this much (drops or adds objects)
 * rate N        replacements a second and thread; 0: none
 * check         verify every object
 * damage        flip one bit of one object: for the test of this test
 * report        ops, checks, checked_bytes, damage, oome, worst stall
 * quit
 * </pre>
 */
public final class Checked extends Workload {
    private static final int SLOTS = 1 << 18;

    private final AtomicReferenceArray<CheckedObject> slots = new AtomicReferenceArray<>(SLOTS);
    private final AtomicLong held = new AtomicLong();
    private final AtomicLong ids = new AtomicLong();
    private final AtomicLong ops = new AtomicLong();
    private final AtomicLong checks = new AtomicLong();
    private final AtomicLong checkedBytes = new AtomicLong();
    private final AtomicLong damage = new AtomicLong();
    private volatile int used; // slots in use
    private volatile long rate;
    private long checkRate = 2000;
    private long slab;

    public static void main(String[] args) throws Exception {
        Checked checked = new Checked();
        int threads = 3;
        int checkers = 2;
        for (int i = 0; i + 1 < args.length; i += 2) {
            switch (args[i]) {
                case "--threads" -> threads = Integer.parseInt(args[i + 1]);
                case "--checkers" -> checkers = Integer.parseInt(args[i + 1]);
                case "--rate" -> checked.rate = Long.parseLong(args[i + 1]);
                case "--check-rate" -> checked.checkRate = Long.parseLong(args[i + 1]);
                case "--slab" -> checked.slab = parseBytes(args[i + 1]);
                default -> throw new IllegalArgumentException("unknown argument " + args[i]);
            }
        }
        for (int i = 0; i < threads; i++) {
            daemon("mutator-" + i, () -> checked.paced(() -> checked.rate, checked::mutate));
        }
        for (int i = 0; i < checkers; i++) {
            daemon("checker-" + i, () -> checked.paced(() -> checked.checkRate, checked::checkOne));
        }
        checked.serve();
    }

    @Override
    String obey(String[] words) {
        switch (words[0]) {
            case "live":
                holdLive(parseBytes(words[1]));
                return "";
            case "rate":
                rate = Long.parseLong(words[1]);
                return "";
            case "check":
                return checkAll();
            case "damage":
                return damageOne();
            case "report":
                return " ops=" + ops.get() + " checks=" + checks.get() + " checked_bytes=" + checkedBytes.get()
                        + " damage=" + damage.get() + " held_bytes=" + held.get() + health();
            default:
                return " error=unknown-command";
        }
    }

    private interface Rate {
        long now();
    }

    /** Runs the body so often a second, for ever; catches up after a stall by at most a tenth of a second. */
    private void paced(Rate rate, Runnable body) {
        long next = System.nanoTime();
        while (true) {
            long perSecond = rate.now();
            if (perSecond == 0) {
                pause(5_000_000L);
                continue;
            }
            try {
                body.run();
            } catch (OutOfMemoryError e) {
                outOfMemory.incrementAndGet();
            } catch (RuntimeException | Error e) { // nothing here throws in an intact heap
                damaged("threw=" + e);
            }
            next = Math.max(next + 1_000_000_000L / perSecond, System.nanoTime() - 100_000_000L);
            pause(next - System.nanoTime());
        }
    }

    // Replacing

    private void mutate() {
        int count = used;
        if (count == 0) {
            pause(1_000_000L);
            return;
        }
        ThreadLocalRandom random = ThreadLocalRandom.current();
        int at = random.nextInt(count);
        switch (random.nextInt(10)) {
            case 0 -> swap(at, random.nextInt(count));
            case 1 -> befriend(slots.get(at), slots.get(random.nextInt(count)));
            default -> put(at, newObject(count));
        }
        ops.incrementAndGet();
    }

    private void put(int at, CheckedObject object) {
        CheckedObject before = slots.getAndSet(at, object);
        held.addAndGet((object == null ? 0 : object.bytes()) - (before == null ? 0 : before.bytes()));
    }

    private void swap(int at, int other) {
        CheckedObject one = slots.get(at);
        CheckedObject two = slots.get(other);
        if (one != null && two != null) {
            put(at, two);
            put(other, one);
        }
    }

    private static void befriend(CheckedObject one, CheckedObject two) {
        if (one != null && two != null && one.level() > 0 && two.isLeaf()) {
            one.friend = two;
        }
    }

    private CheckedObject newObject(int count) {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        long size = slab > 0 ? slab : Sizes.next(random);
        boolean wide = slab == 0 && random.nextInt(16) == 0;
        int wanted = wide ? 16 : random.nextInt(4);
        CheckedObject[] links = new CheckedObject[wanted];
        int found = 0;
        for (int tries = 0; found < wanted && tries < wanted * 2 && count > 0; tries++) {
            CheckedObject other = slots.get(random.nextInt(count));
            if (other != null && other.mayBeLinked()) {
                links[found++] = other;
            }
        }
        return CheckedObject.make(ids.incrementAndGet(), size, wide, java.util.Arrays.copyOf(links, found));
    }

    private synchronized void holdLive(long bytes) {
        while (held.get() > bytes && used > 0) {
            used = used - 1;
            put(used, null);
        }
        while (held.get() < bytes && used < SLOTS) {
            put(used, newObject(used));
            used = used + 1;
        }
    }

    // Checking

    private void checkOne() {
        int count = used;
        if (count > 0) {
            check(slots.get(ThreadLocalRandom.current().nextInt(count)));
        }
    }

    private void check(CheckedObject object) {
        if (object == null) {
            return;
        }
        String wrong;
        try {
            wrong = object.whatIsWrong();
        } catch (RuntimeException e) { // a reference that leads nowhere good
            wrong = "object=" + object.id() + " threw=" + e;
        }
        checks.incrementAndGet();
        checkedBytes.addAndGet(object.bytes());
        if (wrong != null) {
            damaged(wrong);
        }
    }

    private void damaged(String what) {
        damage.incrementAndGet();
        say("damaged " + what + " thread=" + Thread.currentThread().getName());
    }

    private String checkAll() {
        int count = used;
        for (int i = 0; i < count; i++) {
            check(slots.get(i));
        }
        return " objects=" + count + " damage=" + damage.get();
    }

    private String damageOne() {
        for (int i = 0; i < used; i++) {
            CheckedObject object = slots.get(i);
            if (object != null && object.bytes() > 0) {
                long offset = object.flipOneBit(ThreadLocalRandom.current());
                if (offset >= 0) {
                    return " object=" + object.id() + " offset=" + offset;
                }
            }
        }
        return " error=nothing-to-damage";
    }

    /** Most objects are small, most bytes are not. */
    private static final class Sizes {
        static long next(ThreadLocalRandom random) {
            int of = random.nextInt(1000);
            if (of < 700) {
                return random.nextLong(0, 1 << 10);
            } else if (of < 920) {
                return random.nextLong(1 << 10, 16 << 10);
            } else if (of < 989) {
                return random.nextLong(16 << 10, 256 << 10);
            } else if (of < 999) {
                return random.nextLong(256 << 10, 1 << 20);
            }
            return random.nextLong(1 << 20, 6 << 20);
        }
    }
}
