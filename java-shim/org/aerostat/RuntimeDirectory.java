package org.aerostat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Where the daemon's files are, and whether a file there is to be believed. */
final class RuntimeDirectory {
    private static final String DEFAULT = "/run/aerostat";
    private static final int ROOT = 0;
    private static final int WRITABLE_BY_OTHERS = 0022;

    private final Path path;

    RuntimeDirectory(Path path) {
        this.path = path;
    }

    static RuntimeDirectory configured() {
        String named = System.getProperty("aerostat.runtime-dir");
        if (named == null || named.isEmpty()) {
            named = System.getenv("AEROSTAT_RUNTIME_DIR");
        }
        return new RuntimeDirectory(Path.of(named == null || named.isEmpty() ? DEFAULT : named));
    }

    Path page() {
        return path.resolve("condition");
    }

    Path socket() {
        return path.resolve("client.sock");
    }

    /**
     * What tells one file from another under the same name.
     *
     * @throws IOException there is no such file, or it belongs to somebody who has no business to tell us about memory: the
     *     message says what to do
     */
    static Map<String, Object> identity(Path file) throws IOException {
        Map<String, Object> found;
        try {
            found = Files.readAttributes(file, "unix:uid,ino,dev,mode,isRegularFile");
        } catch (IOException missing) {
            throw new IOException("no " + file + ": is aerostat-guestd running? (its directory: -Daerostat.runtime-dir=DIR)", missing);
        }
        int owner = (Integer) found.get("uid");
        if (owner != ROOT && owner != ownUser()) {
            throw new IOException(file + " belongs to user " + owner + ": only root's and this user's own daemon are believed");
        }
        boolean isPage = Boolean.TRUE.equals(found.get("isRegularFile")); // anybody may connect to the socket
        if (isPage && ((Integer) found.get("mode") & WRITABLE_BY_OTHERS) != 0) {
            throw new IOException(file + " may be written by others than its owner: it is not believed (chmod go-w " + file + ")");
        }
        return found;
    }

    private static int ownUser() throws IOException {
        return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    }
}
