package org.aerostat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** The program's reclaimers: says what they have, passes on what the daemon asks of them, and answers. Any thread. */
final class ReclaimerDesk {
    /** As many as the daemon takes from one connection. */
    private static final int MOST = 32;
    private static final long LONGEST_MILLIS = 3_600_000;

    private final Executor executor;
    private final Map<String, ReclaimerEntry> entries = new HashMap<>(); // guarded by this
    private Consumer<String> out; // guarded by this; null: no connection

    ReclaimerDesk(Executor executor) {
        this.executor = executor;
    }

    synchronized boolean isEmpty() {
        return entries.isEmpty();
    }

    synchronized ReclaimerEntry add(String name, MemoryReclaimer reclaimer) {
        if (!Line.isName(name)) {
            throw new IllegalArgumentException("reclaimer \"" + name + "\": a name has 1 to 64 of A-Za-z0-9._-");
        }
        if (entries.containsKey(name)) {
            throw new IllegalStateException("a reclaimer with the name " + name + " is registered already: close it first");
        }
        if (entries.size() >= MOST) {
            throw new IllegalStateException("there are " + MOST + " reclaimers already: register one for several caches");
        }
        ReclaimerEntry entry = new ReclaimerEntry(name, reclaimer, executor);
        entries.put(name, entry);
        return entry;
    }

    synchronized void remove(ReclaimerEntry entry) {
        if (entries.remove(entry.name, entry) && out != null && entry.isTold()) {
            out.accept(Line.of("forget").with("reclaimer", entry.name).end());
        }
    }

    synchronized void begin(Consumer<String> connection) {
        out = connection;
        entries.values().forEach(ReclaimerEntry::forgetTold);
    }

    synchronized void end() {
        out = null;
    }

    private synchronized List<ReclaimerEntry> all() {
        return new ArrayList<>(entries.values());
    }

    /** Asks all that have nothing to do what they have, and tells the daemon what is new. */
    void refresh() {
        for (ReclaimerEntry entry : all()) {
            if (entry.isIdle()) {
                entry.submit(() -> tell(entry));
            }
        }
    }

    private void tell(ReclaimerEntry entry) {
        String news = entry.news();
        synchronized (this) {
            if (news != null && out != null && entries.get(entry.name) == entry) {
                out.accept(news);
            } else if (news != null) {
                entry.forgetTold();
            }
        }
    }

    /** The daemon asks. What cannot be begun is answered at once: nothing released. */
    void reclaim(Map<String, Object> message) {
        if (!(message.get("id") instanceof String id && Line.isId(id) && message.get("reclaimer") instanceof String name
                && message.get("wanted_bytes") instanceof Long wanted && wanted > 0
                && message.get("deadline_ms") instanceof Long within && within >= 0)) {
            return;
        }
        ReclaimerEntry entry;
        Consumer<String> asker;
        synchronized (this) {
            entry = entries.get(name);
            asker = out;
        }
        if (entry == null || asker == null) {
            return; // it was just closed, and the daemon is told
        }
        Duration time = Duration.ofMillis(Math.min(within, LONGEST_MILLIS));
        if (!entry.submit(() -> answer(asker, id, name, entry.release(wanted, time)))) {
            answer(asker, id, name, 0);
        }
    }

    // For the connection it was asked over: if that has ended meanwhile, nobody waits for the answer.
    private static void answer(Consumer<String> asker, String id, String name, long released) {
        asker.accept(Line.answer("reclaimed", id).with("reclaimer", name).with("released_bytes", released).end());
    }

    /** Those that have given may grow back. */
    void restore(MemoryCondition now) {
        for (ReclaimerEntry entry : all()) {
            if (entry.isIdle() && entry.takeHasGiven()) {
                entry.submit(() -> entry.reclaimer.restore(now));
            }
        }
    }
}
