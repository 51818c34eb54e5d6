package org.aerostat;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** Brings together the page, the link and those who are registered. */
final class Hub implements ClientLink.Client {
    private static final long REFRESH_MILLIS = 1000;
    private static final long LONGEST_MILLIS = 5000;

    private final ConditionSource source;
    private final ClientLink link;
    private final ReclaimerDesk reclaimers = new ReclaimerDesk(Workers.POOL);
    private final List<Mailbox> levelListeners = new CopyOnWriteArrayList<>();
    private final List<Mailbox> allListeners = new CopyOnWriteArrayList<>();
    private Consumer<String> out; // guarded by this; null: no connection
    private String watched; // guarded by this: what the daemon was asked to tell
    // The link's thread.
    private long refreshAt = System.nanoTime();
    private boolean complained;

    Hub(RuntimeDirectory directory) {
        source = new ConditionSource(directory.page());
        link = new ClientLink(directory.socket(), this);
    }

    MemoryCondition current() {
        return source.current();
    }

    Registration listen(Consumer<? super MemoryCondition> listener, Executor executor, boolean all) {
        List<Mailbox> listeners = all ? allListeners : levelListeners;
        Mailbox mailbox = new Mailbox(Objects.requireNonNull(listener), Objects.requireNonNull(executor), closed -> {
            listeners.remove(closed);
            changed();
        });
        listeners.add(mailbox);
        changed();
        mailbox.offer(current(), true);
        return mailbox;
    }

    Registration register(String name, MemoryReclaimer reclaimer) {
        ReclaimerEntry entry = reclaimers.add(name, Objects.requireNonNull(reclaimer));
        changed();
        return () -> {
            reclaimers.remove(entry);
            changed();
        };
    }

    private void changed() {
        watch();
        link.nudge();
    }

    private synchronized void watch() {
        String wanted = allListeners.isEmpty() ? "level" : "all"; // reclaimers grow back by level, too
        if (out != null && !wanted.equals(watched)) {
            watched = wanted;
            out.accept(Line.of("watch").with("changes", wanted).end());
        }
    }

    @Override
    public boolean isWanted() {
        return !(levelListeners.isEmpty() && allListeners.isEmpty() && reclaimers.isEmpty());
    }

    @Override
    public void begin(Consumer<String> connection) {
        synchronized (this) {
            out = connection;
            watched = null;
        }
        watch();
        reclaimers.begin(connection);
        refreshAt = System.nanoTime();
        complained = false;
    }

    @Override
    public void end() {
        synchronized (this) {
            out = null;
        }
        reclaimers.end();
    }

    @Override
    public void hear(Map<String, Object> message) {
        switch (String.valueOf(message.get("type"))) {
            case "reclaim" -> reclaimers.reclaim(message);
            case "error" -> complain(message);
            default -> {} // whatever it is, the page is looked at next
        }
    }

    private void complain(Map<String, Object> error) {
        if (!complained) { // once a connection: whoever sends more says the same again
            complained = true;
            Workers.complain("aerostat-guestd says: " + error.get("message"), null);
        }
    }

    @Override
    public long look() {
        MemoryCondition now = source.current();
        levelListeners.forEach(listener -> listener.offer(now, false));
        allListeners.forEach(listener -> listener.offer(now, true));
        if (now.isValid() && !now.isAtLeast(MemoryCondition.Level.ADVISORY)) {
            reclaimers.restore(now);
        }
        if (!reclaimers.isEmpty() && System.nanoTime() - refreshAt >= 0) {
            refreshAt = System.nanoTime() + REFRESH_MILLIS * 1_000_000;
            reclaimers.refresh();
        }
        return patience(now);
    }

    /** Nobody wakes us when the daemon hangs: so when the condition would grow stale, it is looked at. */
    private long patience(MemoryCondition now) {
        long stale = now.isValid() ? now.millisUntilStale() + 1 : LONGEST_MILLIS;
        return Math.max(1, Math.min(stale, reclaimers.isEmpty() ? LONGEST_MILLIS : REFRESH_MILLIS));
    }
}
