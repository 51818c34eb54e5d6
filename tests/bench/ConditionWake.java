import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.aerostat.MemoryCondition.Level;
import org.aerostat.MemoryConditions;

/**
 * How long a change takes to reach a listener: prints for each change of the host's level the nanoseconds since guestd put
 * its time into the page. Ends when standard input does.
 */
public final class ConditionWake {
    private static Optional<Level> last = MemoryConditions.current().hostLevel();

    private ConditionWake() {}

    public static void main(String[] args) throws Exception {
        CountDownLatch ready = new CountDownLatch(1);
        try (var listening = MemoryConditions.onAnyChange(now -> {
            long age = now.age().map(java.time.Duration::toNanos).orElse(-1L);
            if (!now.hostLevel().equals(last)) {
                last = now.hostLevel();
                System.out.println(age);
            }
            ready.countDown();
        })) {
            ready.await();
            System.out.println("ready");
            while (System.in.read() >= 0) {
                continue;
            }
        }
    }
}
