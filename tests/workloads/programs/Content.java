import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/** Content that follows from a key and a version, so that whoever reads it back can tell what it has to be. */
final class Content {
    private Content() {}

    static byte[] bytes(long key, long version, int length) {
        SplittableRandom random = random(key, version);
        byte[] content = new byte[length];
        random.nextBytes(content);
        return content;
    }

    /** Lower-case letters. */
    static String text(long key, long version, int length) {
        byte[] content = bytes(key, version, length);
        for (int i = 0; i < length; i++) {
            content[i] = (byte) ('a' + (content[i] & 0xff) % 26);
        }
        return new String(content, StandardCharsets.ISO_8859_1);
    }

    /** Not by a multiple of the generator's own step: the contents of neighbours would be each other's, shifted. */
    static SplittableRandom random(long key, long version) {
        return new SplittableRandom((key << 32 ^ version) * 0xD6E8FEB86659FD93L);
    }

    static int checksum(byte[] content) {
        CRC32C sum = new CRC32C();
        sum.update(ByteBuffer.wrap(content));
        return (int) sum.getValue();
    }
}
