package org.aerostat;

import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * One listener and the latest it has not been told yet. It is called on an executor, by one thread at a time: who is slow or
 * throws keeps nobody else waiting, and misses what was overtaken meanwhile.
 */
final class Mailbox implements Registration, Runnable {
    private final Consumer<? super MemoryCondition> listener;
    private final Executor executor;
    private final Consumer<Mailbox> onClose;
    // Guarded by this.
    private MemoryCondition told;
    private MemoryCondition pending;
    private boolean scheduled;
    private boolean complained;
    private boolean closed;

    Mailbox(Consumer<? super MemoryCondition> listener, Executor executor, Consumer<Mailbox> onClose) {
        this.listener = listener;
        this.executor = executor;
        this.onClose = onClose;
    }

    /** {@code always}: also when nothing has changed that one would act upon. */
    void offer(MemoryCondition now, boolean always) {
        if (!accept(now, always)) {
            return;
        }
        try {
            executor.execute(this); // not under the lock: it may be one that runs it here and now
        } catch (Throwable refused) { // again at the next offer
            synchronized (this) {
                scheduled = false;
                told = null;
            }
        }
    }

    /** True if it has to be brought to the listener, and nobody is about to. */
    private synchronized boolean accept(MemoryCondition now, boolean always) {
        if (closed || now.equals(told) || (!always && told != null && !isNews(told, now))) {
            return false;
        }
        told = now;
        pending = now;
        boolean had = scheduled;
        scheduled = true;
        return !had;
    }

    private static boolean isNews(MemoryCondition before, MemoryCondition now) {
        return before.validity() != now.validity()
                || !before.level().equals(now.level())
                || !before.session().equals(now.session());
    }

    @Override
    public void run() {
        for (MemoryCondition next = take(); next != null; next = take()) {
            try {
                listener.accept(next);
            } catch (Throwable thrown) { // the listener's, whatever it is; it stays registered
                complain(thrown);
            }
        }
    }

    private synchronized MemoryCondition take() {
        MemoryCondition next = closed ? null : pending;
        pending = null;
        scheduled = next != null;
        return next;
    }

    private void complain(Throwable thrown) {
        synchronized (this) {
            if (complained) {
                return;
            }
            complained = true;
        }
        Workers.complain("a listener of the memory condition threw; further throws of it are not reported", thrown);
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            pending = null;
        }
        onClose.accept(this);
    }
}
