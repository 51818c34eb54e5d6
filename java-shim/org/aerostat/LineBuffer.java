package org.aerostat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** Cuts a stream into lines. One beyond the bound is dropped up to its newline, and counted. */
final class LineBuffer {
    static final int LONGEST = 64 * 1024;

    private final byte[] line = new byte[LONGEST];
    private int length;
    private boolean tooLong;
    private int dropped;

    void take(ByteBuffer read, Consumer<String> onLine) {
        while (read.hasRemaining()) {
            byte next = read.get();
            if (next == '\n') {
                end(onLine);
            } else if (length == line.length - 1) {
                tooLong = true;
            } else {
                line[length++] = next;
            }
        }
    }

    private void end(Consumer<String> onLine) {
        int had = length;
        length = 0;
        if (tooLong) {
            tooLong = false;
            dropped++;
        } else if (had > 0) {
            onLine.accept(new String(line, 0, had, StandardCharsets.UTF_8));
        }
    }

    int dropped() {
        return dropped;
    }
}
