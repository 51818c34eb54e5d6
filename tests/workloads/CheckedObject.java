import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.random.RandomGenerator;

/**
 * An object whose content follows from its id and is sealed by a checksum. Links lead to objects of lower levels only, so
 * that a replaced object can keep but a few others alive.
 */
final class CheckedObject {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final int HIGHEST_LINKED = 1;
    private static final long LARGEST_LINKED = 64 << 10;
    private static final long STEP = 0x9E3779B97F4A7C15L;

    private final long id;
    private final int level;
    private final Object payload; // byte[], long[], or CheckedObject[]: the links over and over
    private final CheckedObject[] links;
    private final long[] linkIds;
    private final long checksum;
    volatile CheckedObject friend; // of level 0; stored into objects of any age

    private CheckedObject(long id, int level, Object payload, CheckedObject[] links, long[] linkIds) {
        this.id = id;
        this.level = level;
        this.payload = payload;
        this.links = links;
        this.linkIds = linkIds;
        this.checksum = sum();
    }

    static CheckedObject make(long id, long size, boolean wide, CheckedObject[] links) {
        int level = 0;
        long[] linkIds = new long[links.length];
        for (int i = 0; i < links.length; i++) {
            level = Math.max(level, links[i].level + 1);
            linkIds[i] = links[i].id;
        }
        return new CheckedObject(id, level, newPayload(id, size, wide, links), links, linkIds);
    }

    private static Object newPayload(long id, long size, boolean wide, CheckedObject[] links) {
        if (wide && links.length > 0) {
            CheckedObject[] references = new CheckedObject[(int) (size / 4)];
            for (int i = 0; i < references.length; i++) {
                references[i] = links[i % links.length];
            }
            return references;
        }
        if (id % 2 == 0) {
            long[] words = new long[(int) (size / 8)];
            for (int i = 0; i < words.length; i++) {
                words[i] = word(id, i);
            }
            return words;
        }
        byte[] bytes = new byte[(int) size];
        for (int i = 0; i < bytes.length / 8; i++) {
            LONGS.set(bytes, i * 8, word(id, i));
        }
        for (int i = bytes.length / 8 * 8; i < bytes.length; i++) {
            bytes[i] = (byte) word(id, i);
        }
        return bytes;
    }

    /** Never 0 in a row: a page of zeros is damage. */
    private static long word(long id, int index) {
        long x = (id + index * STEP) * 0xBF58476D1CE4E5B9L;
        return x ^ (x >>> 31) | 1;
    }

    long id() {
        return id;
    }

    int level() {
        return level;
    }

    /** Friends have neither links nor friends: else chains would keep everything alive. */
    boolean isLeaf() {
        return level == 0 && bytes() <= LARGEST_LINKED;
    }

    boolean mayBeLinked() {
        return level <= HIGHEST_LINKED && bytes() <= LARGEST_LINKED;
    }

    long bytes() {
        if (payload instanceof long[] words) {
            return words.length * 8L;
        }
        return payload instanceof byte[] bytes ? bytes.length : ((CheckedObject[]) payload).length * 4L;
    }

    /** Each step is a bijection of what it adds to: one changed bit always changes the sum. */
    private long sum() {
        long sum = id * 31 + level;
        for (long linkId : linkIds) {
            sum = sum * 31 + linkId;
        }
        if (payload instanceof long[] words) {
            for (long word : words) {
                sum = sum * 31 + word;
            }
        } else if (payload instanceof byte[] bytes) {
            for (int i = 0; i < bytes.length / 8; i++) {
                sum = sum * 31 + (long) LONGS.get(bytes, i * 8);
            }
            for (int i = bytes.length / 8 * 8; i < bytes.length; i++) {
                sum = sum * 31 + bytes[i];
            }
        }
        return sum;
    }

    /** Null if all is well; else what is wrong and where, for a log line. */
    String whatIsWrong() {
        if (sum() != checksum) {
            return place();
        }
        for (int i = 0; i < links.length; i++) {
            if (links[i].id != linkIds[i] || links[i].sum() != links[i].checksum) {
                return "object=" + id + " link=" + i + " expected=" + linkIds[i] + " found: " + links[i].place();
            }
        }
        CheckedObject other = friend;
        if (other != null && other.sum() != other.checksum) {
            return "object=" + id + " friend: " + other.place();
        }
        return payload instanceof CheckedObject[] references ? wrongReference(references) : null;
    }

    private String wrongReference(CheckedObject[] references) {
        for (int i = 0; i < references.length; i++) {
            if (references[i] != links[i % links.length]) {
                return "object=" + id + " references=" + references.length + " at=" + i + " expected="
                        + links[i % links.length].id + " found=" + (references[i] == null ? "null" : references[i].id);
            }
        }
        return null;
    }

    /** Where the content first differs from what follows from the id, and how much of it does. */
    private String place() {
        long first = -1;
        long wrong = 0;
        byte expected = 0;
        byte found = 0;
        long size = bytes();
        for (long at = 0; at < size && !(payload instanceof CheckedObject[]); at++) {
            byte is = byteAt(at);
            byte should = expectedAt(at, size);
            if (is != should && wrong++ == 0) {
                first = at;
                expected = should;
                found = is;
            }
        }
        return "object=" + id + " level=" + level + " kind=" + payload.getClass().getSimpleName() + " bytes=" + size
                + (wrong == 0 ? " header" : " offset=" + first + " expected=" + expected + " found=" + found) + " wrong_bytes="
                + wrong;
    }

    private byte byteAt(long at) {
        return payload instanceof long[] words ? byteOf(words[(int) (at / 8)], at) : ((byte[]) payload)[(int) at];
    }

    private byte expectedAt(long at, long size) {
        boolean tail = payload instanceof byte[] && at >= size / 8 * 8;
        return tail ? (byte) word(id, (int) at) : byteOf(word(id, (int) (at / 8)), at);
    }

    private static byte byteOf(long word, long at) {
        long shift = at % 8 * 8;
        return (byte) (word >>> (ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? shift : 56 - shift));
    }

    /** Returns the offset of the damaged byte, -1 if this object has no bytes of its own. */
    long flipOneBit(RandomGenerator random) {
        if (!(payload instanceof byte[] bytes) || bytes.length == 0) {
            return -1;
        }
        int at = random.nextInt(bytes.length);
        bytes[at] ^= (byte) (1 << random.nextInt(8));
        return at;
    }
}
