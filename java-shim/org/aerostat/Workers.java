package org.aerostat;

import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Threads for the program's own code: as many as are busy at once, daemons all, gone soon after. */
final class Workers {
    private static final long IDLE_SECONDS = 5;

    /** Made with the first listener or reclaimer. */
    static final Executor POOL =
            new ThreadPoolExecutor(0, Integer.MAX_VALUE, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(),
                    work -> daemon(work, "Aerostat listener"));

    private Workers() {}

    static Thread daemon(Runnable work, String name) {
        Thread thread = new Thread(null, work, name, 0, false);
        thread.setDaemon(true);
        // Else a web application that happened to be first could never be unloaded.
        thread.setContextClassLoader(ClassLoader.getSystemClassLoader());
        return thread;
    }

    static void complain(String what, Throwable thrown) {
        try {
            System.getLogger("org.aerostat").log(System.Logger.Level.WARNING, what, thrown);
        } catch (Throwable noLog) {
            // There is nobody left to tell.
        }
    }
}
