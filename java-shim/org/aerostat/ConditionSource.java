package org.aerostat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/** Finds the page, and finds it again when the daemon or its directory was replaced. Any thread. */
final class ConditionSource {
    private static final long LOOK_AGAIN_NANOS = 100_000_000L;

    private final Path file;
    private volatile ConditionPage page;
    private volatile MemoryCondition without = MemoryCondition.noDaemon("the page was not looked for yet");
    private volatile long nextLook = System.nanoTime();
    private Map<String, Object> identity; // of the mapped file; guarded by this

    ConditionSource(Path file) {
        this.file = file;
    }

    MemoryCondition current() {
        ConditionPage mapped = page;
        if (mapped != null) {
            MemoryCondition read = readSafely(mapped);
            if (read.isValid()) {
                return read;
            }
        }
        if (System.nanoTime() - nextLook >= 0) {
            look();
        }
        mapped = page;
        return mapped != null ? readSafely(mapped) : without;
    }

    private static MemoryCondition readSafely(ConditionPage mapped) {
        try {
            return mapped.read();
        } catch (InternalError cutShort) {
            return MemoryCondition.noDaemon("the page was cut short while it was mapped");
        }
    }

    private synchronized void look() {
        if (System.nanoTime() - nextLook < 0) {
            return; // another thread has just done it
        }
        try {
            Map<String, Object> found = RuntimeDirectory.identity(file);
            if (!found.equals(identity)) {
                page = new ConditionPage(mapped(found));
                identity = found;
            }
        } catch (IOException | RuntimeException why) {
            page = null; // an old mapping goes when the collector finds it
            identity = null;
            without = MemoryCondition.noDaemon(String.valueOf(why.getMessage()));
        }
        nextLook = System.nanoTime() + LOOK_AGAIN_NANOS;
    }

    private ByteBuffer mapped(Map<String, Object> found) throws IOException {
        if (!Boolean.TRUE.equals(found.get("isRegularFile"))) {
            throw new IOException(file + " is not a file");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            if (channel.size() < PageLayout.PAGE_BYTES) {
                throw new IOException(file + " has " + channel.size() + " bytes: that is no page of aerostat-guestd's");
            }
            if (!RuntimeDirectory.identity(file).equals(found)) {
                throw new IOException(file + " is being replaced");
            }
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, PageLayout.PAGE_BYTES);
        }
    }
}
