/**
 * The memory condition, for applications in a guest.
 *
 * <p>{@link org.aerostat.MemoryConditions#current()} says how memory is, {@link org.aerostat.MemoryConditions#onChange} tells
 * of changes, and a {@link org.aerostat.MemoryReclaimer} lets a cache give memory back when it is asked to. All of it works
 * without a daemon, too: the condition then says that there is none.
 *
 * <p>The daemon's runtime directory is the system property {@code aerostat.runtime-dir}, else the environment variable {@code
 * AEROSTAT_RUNTIME_DIR}, else {@code /run/aerostat}. It is looked up once.
 */
package org.aerostat;
