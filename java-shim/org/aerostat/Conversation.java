package org.aerostat;

import java.io.Closeable;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * One connection to the daemon's door for applications. Nothing here waits but {@link #turn}, and that no longer than it is
 * told. What breaks a bound ends the connection. Thread: the link's; send and nudge: any.
 */
final class Conversation implements Closeable {
    private static final int READ_BYTES = 16 * 1024;
    private static final int MOST_MALFORMED = 100;
    private static final int MOST_QUEUED = 256;

    private final Selector selector;
    private final SocketChannel channel;
    private final ByteBuffer read = ByteBuffer.allocate(READ_BYTES);
    private final LineBuffer lines = new LineBuffer();
    private final Queue<ByteBuffer> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger queued = new AtomicInteger();
    private int malformed;

    private Conversation(Selector selector, SocketChannel channel) {
        this.selector = selector;
        this.channel = channel;
    }

    /** Throws where nobody, or nobody to be believed, serves the socket. */
    static Conversation open(Path socket) throws IOException {
        RuntimeDirectory.identity(socket);
        Selector selector = Selector.open();
        SocketChannel channel = null;
        try {
            channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.configureBlocking(false);
            if (!channel.connect(UnixDomainSocketAddress.of(socket))) {
                throw new IOException(socket + ": too many are waiting to be let in");
            }
            channel.register(selector, SelectionKey.OP_READ);
            return new Conversation(selector, channel);
        } catch (Throwable failure) {
            try (selector) {
                if (channel != null) {
                    channel.close();
                }
            }
            throw failure;
        }
    }

    void send(String line) {
        queue.add(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
        queued.incrementAndGet();
        selector.wakeup();
    }

    void nudge() {
        selector.wakeup();
    }

    /** Waits for something to happen, and handles it. False: the connection has ended. */
    boolean turn(long timeoutMillis, Consumer<Map<String, Object>> onMessage) throws IOException {
        write();
        selector.select(Math.max(1, timeoutMillis));
        selector.selectedKeys().clear();
        write();
        for (int got = channel.read(read); got != 0; got = channel.read(read)) {
            if (got < 0) {
                return false;
            }
            read.flip();
            lines.take(read, line -> take(line, onMessage));
            read.clear();
            if (malformed + lines.dropped() > MOST_MALFORMED) {
                throw new IOException("the daemon's socket sends what is no message");
            }
        }
        return true;
    }

    private void take(String line, Consumer<Map<String, Object>> onMessage) {
        try {
            Map<String, Object> message = Json.object(line);
            if (Long.valueOf(1).equals(message.get("v")) && message.get("type") instanceof String) {
                onMessage.accept(message);
                return;
            }
        } catch (Json.Malformed none) {
            // Counted, like a message without a type.
        }
        malformed++;
    }

    private void write() throws IOException {
        if (queued.get() > MOST_QUEUED) {
            throw new IOException("the daemon does not read");
        }
        for (ByteBuffer next = queue.peek(); next != null; next = queue.peek()) {
            channel.write(next);
            if (next.hasRemaining()) {
                channel.keyFor(selector).interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
                return;
            }
            queue.remove();
            queued.decrementAndGet();
        }
        channel.keyFor(selector).interestOps(SelectionKey.OP_READ);
    }

    @Override
    public void close() throws IOException {
        try (selector) {
            channel.close();
        }
    }
}
