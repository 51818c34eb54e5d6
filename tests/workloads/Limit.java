import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CountDownLatch;

/**
 * How much a program can hold until the JVM says OutOfMemoryError. What it holds is written to a mapped file at each step,
 * without allocating: it can be read when the JVM has exited.
 *
 * <p>Arguments: {@code --size SIZE --progress FILE [--churn N]}: objects of that size; N threads that allocate garbage from the
 * command of that name on. Commands:
 *
 * <pre>
 * churn         allocate garbage as fast as possible from now on: collections run back to back
 * grow SIZE     hold so much more; tells held_bytes, and error=OutOfMemoryError if the JVM refused
 * drop          hold nothing
 * report
 * quit
 * </pre>
 */
public final class Limit extends Workload {
    /** Chains of chunks of references: the structure itself must not need large arrays. */
    private static final class Link {
        final Link before;
        final byte[][] objects = new byte[64][];

        Link(Link before) {
            this.before = before;
        }
    }

    private final int size;
    private final MappedByteBuffer progress;
    private volatile Link last;
    private int inLast = 64;
    private long objects;
    private volatile byte[] garbage;
    private final CountDownLatch churning = new CountDownLatch(1);

    private Limit(int size, Path file) throws Exception {
        this.size = size;
        OpenOption[] how = {StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE};
        try (FileChannel channel = FileChannel.open(file, how)) {
            progress = channel.map(FileChannel.MapMode.READ_WRITE, 0, Long.BYTES);
        }
        progress.order(ByteOrder.LITTLE_ENDIAN);
    }

    public static void main(String[] args) throws Exception {
        int size = 0;
        int churn = 0;
        Path file = null;
        for (int i = 0; i + 1 < args.length; i += 2) {
            switch (args[i]) {
                case "--size" -> size = (int) parseBytes(args[i + 1]);
                case "--progress" -> file = Path.of(args[i + 1]);
                case "--churn" -> churn = Integer.parseInt(args[i + 1]);
                default -> throw new IllegalArgumentException("unknown argument " + args[i]);
            }
        }
        Limit limit = new Limit(size, file);
        for (int i = 0; i < churn; i++) {
            daemon("churn-" + i, limit::churn);
        }
        limit.serve();
    }

    @Override
    String obey(String[] words) {
        switch (words[0]) {
            case "churn":
                churning.countDown();
                return "";
            case "grow":
                return grow(parseBytes(words[1]));
            case "drop":
                last = null;
                inLast = 64;
                objects = 0;
                return "";
            case "report":
                return " held_bytes=" + objects * size + health();
            default:
                return " error=unknown-command";
        }
    }

    private String grow(long bytes) {
        boolean refused = false;
        try {
            for (long end = objects + bytes / size; objects < end; ) {
                addOne();
            }
        } catch (OutOfMemoryError e) {
            refused = true;
        }
        long held = objects * size;
        if (refused) {
            last = null; // room to answer in
            inLast = 64;
            objects = 0;
            outOfMemory.incrementAndGet();
        }
        return " held_bytes=" + held + (refused ? " error=OutOfMemoryError" : "");
    }

    private void addOne() {
        if (inLast == 64) {
            last = new Link(last);
            inLast = 0;
        }
        last.objects[inLast] = new byte[size];
        inLast++;
        objects++;
        progress.putLong(0, objects * size);
    }

    private void churn() {
        try {
            churning.await();
        } catch (InterruptedException e) {
            return; // nobody interrupts it
        }
        while (true) {
            try {
                garbage = new byte[16 << 10];
            } catch (OutOfMemoryError e) {
                pause(1_000_000L); // the growing thread's limit is what is asked for
            }
        }
    }
}
