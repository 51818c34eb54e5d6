package org.aerostat;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/**
 * The one thread that listens to the daemon, and finds it again when it was restarted. It runs while somebody is registered,
 * and calls none of the program's code.
 */
final class ClientLink {
    /** What the thread serves; it calls all of these but isWanted(), which is asked under the link's lock. */
    interface Client {
        boolean isWanted();

        /** A connection begins; the consumer takes lines for it, from any thread. */
        void begin(Consumer<String> out);

        void hear(Map<String, Object> message);

        void end();

        /** The page may have changed. Returns in how many milliseconds to look again without being woken. */
        long look();
    }

    private static final long SHORTEST_PAUSE_MILLIS = 50;
    private static final long LONGEST_PAUSE_MILLIS = 2000;

    private final Path socket;
    private final Client client;
    // Guarded by this.
    private Thread thread;
    private Conversation talk;
    private boolean nudged;
    private boolean heard; // the thread's own

    ClientLink(Path socket, Client client) {
        this.socket = socket;
        this.client = client;
    }

    /** To be called after a registration was added or closed. */
    synchronized void nudge() {
        if (thread == null && client.isWanted()) {
            Thread started = Workers.daemon(this::run, "Aerostat condition");
            started.start();
            thread = started; // not if there is no thread to be had: the next nudge tries again
        }
        nudged = true;
        notifyAll();
        if (talk != null) {
            talk.nudge();
        }
    }

    private void run() {
        long pause = SHORTEST_PAUSE_MILLIS;
        while (isWanted()) {
            boolean spoken = converse();
            lookSafely();
            pause = spoken ? SHORTEST_PAUSE_MILLIS : Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
            pauseFor(ThreadLocalRandom.current().nextLong(pause / 2, pause));
        }
    }

    private void lookSafely() {
        try {
            client.look();
        } catch (Throwable shortage) {
            // As in converse(): what is lacking now may be there when we look again.
        }
    }

    /** False, and no thread any more, when nobody is registered. */
    private synchronized boolean isWanted() {
        if (!client.isWanted()) {
            thread = null;
        }
        return thread != null;
    }

    /** Until the connection ends. True if the daemon has said something sensible. */
    private boolean converse() {
        heard = false;
        try (Conversation opened = Conversation.open(socket)) {
            hold(opened);
            client.begin(opened::send);
            while (client.isWanted() && opened.turn(client.look(), message -> {
                heard = true;
                client.hear(message);
            })) {
                continue;
            }
        } catch (Throwable ended) {
            // It is tried again: a daemon that is not there is no error, and a want of memory is no reason to fall silent.
        } finally {
            hold(null);
            client.end();
        }
        return heard;
    }

    private synchronized void hold(Conversation opened) {
        talk = opened;
    }

    private synchronized void pauseFor(long millis) {
        try {
            if (!nudged) {
                wait(millis);
            }
            nudged = false;
        } catch (InterruptedException nobodyShould) {
            // Only the end of registrations ends this thread.
        }
    }
}
