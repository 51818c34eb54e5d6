package org.aerostat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Mutated messages through all that reads the daemon's socket: {@code DoorFuzz SEED MILLIS}. Whatever comes, lines are cut, and
 * an object or {@link Json.Malformed} comes of each; what was released is never more than what was asked for by a sane message.
 */
public final class DoorFuzz {
    private static final String[] SEEDS = {
        "{\"v\":1,\"type\":\"memory\",\"id\":\"a\",\"level\":\"tight\",\"available_bytes\":123,\"x\":[1,-2.5e3,true,null,{\"y\":\"\\u00e4\\n\"}]}",
        "{\"v\":1,\"type\":\"reclaim\",\"id\":\"r-1\",\"reclaimer\":\"pages\",\"wanted_bytes\":4096,\"deadline_ms\":100}",
        "{\"v\":1,\"type\":\"error\",\"id\":\"e\",\"code\":\"busy\",\"message\":\"too many\"}",
    };

    private DoorFuzz() {}

    public static void main(String[] args) {
        Random random = new Random(Long.parseLong(args[0]));
        long until = System.nanoTime() + Long.parseLong(args[1]) * 1_000_000;
        long[] lines = new long[3]; // all, objects, reclaims answered
        LineBuffer buffer = new LineBuffer();
        ReclaimerDesk desk = new ReclaimerDesk(Runnable::run);
        AtomicReference<String> answer = new AtomicReference<>("");
        desk.add("pages", new Counting());
        desk.begin(answer::set);
        while (System.nanoTime() < until) {
            buffer.take(ByteBuffer.wrap(mutated(random)), line -> {
                lines[0]++;
                try {
                    Map<String, Object> message = Json.object(line);
                    lines[1]++;
                    answer.set("");
                    desk.reclaim(message);
                    check(message, answer.get());
                    lines[2] += answer.get().isEmpty() ? 0 : 1;
                } catch (Json.Malformed refused) {
                    // as it should be
                }
            });
        }
        System.out.println("lines=" + lines[0] + " objects=" + lines[1] + " answered=" + lines[2] + " too_long=" + buffer.dropped());
    }

    private static void check(Map<String, Object> message, String answer) {
        if (answer.isEmpty()) {
            return;
        }
        try {
            Map<String, Object> said = Json.object(answer);
            if (!said.get("id").equals(message.get("id")) || !said.get("reclaimer").equals("pages")
                    || (Long) said.get("released_bytes") > (Long) message.get("wanted_bytes")) {
                throw new AssertionError(message + " was answered with " + answer);
            }
        } catch (Json.Malformed own) {
            throw new AssertionError("our own answer is no message: " + answer, own);
        }
    }

    private static byte[] mutated(Random random) {
        byte[] bytes = (SEEDS[random.nextInt(SEEDS.length)] + "\n").getBytes(StandardCharsets.UTF_8);
        for (int changes = random.nextInt(4); changes > 0; changes--) {
            int at = random.nextInt(bytes.length - 1);
            bytes[at] = random.nextBoolean() ? (byte) random.nextInt(256) : (byte) "{}[]\":,\\0-9eEu".charAt(random.nextInt(14));
        }
        return random.nextInt(1000) == 0 ? new byte[LineBuffer.LONGEST * 2] : bytes;
    }

    private record Counting() implements MemoryReclaimer {
        @Override
        public long reclaim(long bytes, java.time.Duration within) {
            if (bytes <= 0 || within.isNegative()) {
                throw new AssertionError("asked for " + bytes + " within " + within);
            }
            return bytes;
        }

        @Override
        public long releasableBytes() {
            return 1;
        }
    }
}
