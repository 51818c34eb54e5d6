import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Scanner;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.aerostat.MemoryCondition;
import org.aerostat.MemoryConditions;
import org.aerostat.MemoryReclaimer;
import org.aerostat.Registration;

/** A program that uses the Java API as it is told on stdin; answers "done key=value...", and prints events as they come. */
public final class ConditionClient {
    private static final Map<String, List<Registration>> REGISTERED = new HashMap<>();
    private static final CountDownLatch NEVER = new CountDownLatch(1);
    private static ByteBuffer hoard;

    private ConditionClient() {}

    public static void main(String[] args) throws Exception {
        say("ready pid=" + ProcessHandle.current().pid());
        Scanner in = new Scanner(System.in);
        while (in.hasNextLine()) {
            String[] words = in.nextLine().split(" ");
            if (words[0].equals("quit")) {
                break;
            }
            try {
                say("done " + obey(words));
            } catch (RuntimeException refused) {
                say("done error=" + refused.getMessage().replace(' ', '_'));
            }
        }
    }

    private static synchronized void say(String line) {
        System.out.println(line);
    }

    private static String obey(String[] words) throws InterruptedException {
        switch (words[0]) {
            case "read":
                return text(MemoryConditions.current());
            case "spin":
                return spin(Integer.parseInt(words[1]), Long.parseLong(words[2]));
            case "listen":
                return listen(words[1], Integer.parseInt(words[2]), words[3], words[4]);
            case "reclaimer":
                REGISTERED.put(words[1], List.of(MemoryConditions.register(words[1], new Cache(words[1], words[2]))));
                return "";
            case "bean":
                return GuestMemoryBean.read();
            case "close":
                REGISTERED.remove(words[1]).forEach(Registration::close);
                return "";
            case "hoard":
                hoard = ByteBuffer.allocateDirect(Integer.parseInt(words[1]));
                return "";
            case "release":
                hoard = null;
                return "";
            case "threads":
                return "names=" + Thread.getAllStackTraces().keySet().stream().map(Thread::getName)
                        .filter(name -> name.startsWith("Aerostat")).sorted().collect(Collectors.joining("|")).replace(' ', '_');
            default:
                throw new IllegalArgumentException("unknown: " + words[0]);
        }
    }

    private static String text(MemoryCondition now) {
        return "validity=" + now.validity() + " level=" + now.level().map(Object::toString).orElse("?")
                + " trend=" + now.trend().map(Object::toString).orElse("?") + " session=" + number(now.session())
                + " updates=" + number(now.updates()) + " available=" + number(now.availableBytes())
                + " release=" + number(now.suggestedReleaseBytes()) + " java=" + number(now.javaBalloonedBytes())
                + " guest=" + number(now.guestBalloonedBytes()) + " target=" + number(now.guestTargetBytes())
                + " total=" + number(now.guestTotalBytes()) + " host=" + now.hostLevel().map(Object::toString).orElse("?")
                + " price=" + number(now.hostPrice()) + " some=" + number(now.psiSomePercent())
                + " full=" + number(now.psiFullPercent()) + " age_ms=" + now.age().map(age -> "" + age.toMillis()).orElse("?")
                + " deadline_ms=" + now.deadline().map(left -> "" + left.toMillis()).orElse("?")
                + " tight=" + now.isAtLeast(MemoryCondition.Level.TIGHT) + " reason=" + now.reason().replace(' ', '_');
    }

    private static String number(OptionalLong value) {
        return value.isPresent() ? "" + value.getAsLong() : "?";
    }

    private static String number(OptionalDouble value) {
        return value.isPresent() ? "" + value.getAsDouble() : "?";
    }

    /** All counts of a page that is written flat out are the same. */
    private static String spin(int threads, long millis) throws InterruptedException {
        AtomicLong reads = new AtomicLong();
        AtomicLong torn = new AtomicLong();
        AtomicLong failed = new AtomicLong();
        AtomicLong values = new AtomicLong();
        long until = System.nanoTime() + millis * 1_000_000;
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            readers.add(new Thread(() -> {
                long last = -1;
                while (System.nanoTime() < until) {
                    MemoryCondition now = MemoryConditions.current();
                    reads.incrementAndGet();
                    if (!now.isValid()) {
                        failed.incrementAndGet();
                        continue;
                    }
                    long one = now.availableBytes().getAsLong();
                    if (one != last) {
                        values.incrementAndGet();
                    }
                    boolean same = one == now.suggestedReleaseBytes().getAsLong() && one == now.javaBalloonedBytes().getAsLong()
                            && one == now.guestBalloonedBytes().getAsLong() && one == now.guestTargetBytes().getAsLong()
                            && one == now.guestTotalBytes().getAsLong();
                    if (!same || one < last) {
                        torn.incrementAndGet();
                    }
                    last = one;
                }
            }));
        }
        readers.forEach(Thread::start);
        for (Thread reader : readers) {
            reader.join();
        }
        return "reads=" + reads + " values=" + values + " torn=" + torn + " failed=" + failed;
    }

    private static String listen(String name, int count, String what, String manner) {
        List<Registration> made = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int number = i;
            java.util.function.Consumer<MemoryCondition> listener = now -> told(name, number, manner, now);
            made.add(what.equals("all") ? MemoryConditions.onAnyChange(listener)
                    : what.equals("here") ? MemoryConditions.onChange(listener, Runnable::run) : MemoryConditions.onChange(listener));
        }
        REGISTERED.put(name, made);
        return "";
    }

    private static void told(String name, int number, String manner, MemoryCondition now) {
        long at = System.nanoTime();
        say("told name=" + name + " number=" + number + " at=" + at + " " + text(now));
        if (manner.equals("throws")) {
            throw new IllegalStateException("as it was told to");
        }
        if (manner.equals("hangs")) {
            try {
                NEVER.await();
            } catch (InterruptedException nobodyDoes) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private record Cache(String name, String manner) implements MemoryReclaimer {
        @Override
        public long reclaim(long bytes, Duration within) {
            say("reclaim name=" + name + " bytes=" + bytes + " within_ms=" + within.toMillis());
            if (manner.equals("throws")) {
                throw new IllegalStateException("as it was told to");
            }
            return bytes / 2;
        }

        @Override
        public void restore(MemoryCondition now) {
            say("restore name=" + name + " level=" + now.level().orElseThrow());
        }

        @Override
        public long releasableBytes() {
            return 1 << 20;
        }

        @Override
        public OptionalDouble price() {
            return OptionalDouble.of(0.25);
        }
    }
}
