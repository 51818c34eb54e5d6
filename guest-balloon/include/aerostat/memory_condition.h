/*
 * The memory condition: what an application in this guest may count on, and what it is asked to give back.
 *
 *     aerostat_condition *reader;
 *     aerostat_memory_condition now = AEROSTAT_MEMORY_CONDITION_INIT;
 *     if (aerostat_condition_open(NULL, &reader) == 0 && aerostat_condition_read(reader, &now) == 0 &&
 *         now.level >= AEROSTAT_LEVEL_TIGHT)
 *         shrink_caches(now.suggested_release_bytes);
 *
 * aerostat-guestd publishes it; without that daemon everything works and says so (AEROSTAT_NO_DAEMON). Units are bytes and
 * nanoseconds. What nobody knows is AEROSTAT_UNKNOWN, AEROSTAT_LEVEL_UNKNOWN or a negative figure, never zero.
 *
 * Threads: unless a function says otherwise, any thread may call it at any time, also several with the same handle; only the
 * functions that end a handle must be the last to use it. Functions return 0 or more, or a negative AEROSTAT_E_… code.
 * After fork() a child opens handles of its own.
 *
 * ABI: stable within the SONAME. Callers set struct_size (the _INIT macros do), so that structures may grow.
 * With AEROSTAT_NO_OP defined before the header nothing has to be linked, and every call answers "no daemon".
 * C99 and C++. Link with -laerostat (pkg-config aerostat; CMake: find_package(aerostat), aerostat::aerostat).
 */
#ifndef AEROSTAT_MEMORY_CONDITION_H
#define AEROSTAT_MEMORY_CONDITION_H

#include <stdint.h>

/* NOLINTBEGIN(readability-identifier-naming): names of a C interface */

#ifdef __cplusplus
extern "C" {
#endif

/* How short of memory this guest is. */
#define AEROSTAT_LEVEL_UNKNOWN (-1) /* below all others: "level >= AEROSTAT_LEVEL_TIGHT" is false without a daemon */
#define AEROSTAT_LEVEL_AMPLE 0
#define AEROSTAT_LEVEL_ADVISORY 1 /* give what costs you nothing */
#define AEROSTAT_LEVEL_TIGHT 2    /* give what you can do without */
#define AEROSTAT_LEVEL_CRITICAL 3 /* give all you can: programs stall, and may be killed */

/* Where available_bytes is going. */
#define AEROSTAT_TREND_UNKNOWN (-1)
#define AEROSTAT_TREND_STEADY 0
#define AEROSTAT_TREND_RISING 1
#define AEROSTAT_TREND_FALLING 2

/* What an answer is worth. */
#define AEROSTAT_VALID 0
#define AEROSTAT_NO_DAEMON 1 /* nothing is known: no guestd has ever run here, or it has ended in good order */
#define AEROSTAT_STALE 2     /* the last word of a guestd that has died or hangs; age_ns says how old */
#define AEROSTAT_NO_HOST 3   /* the guest's own view is valid; of the host nothing is known */

/* What the host tells of itself. */
#define AEROSTAT_HOST_SHARES_NOTHING 0
#define AEROSTAT_HOST_SHARES_LEVEL 1
#define AEROSTAT_HOST_SHARES_ALL 2

#define AEROSTAT_UNKNOWN UINT64_MAX

/* Errors. */
#define AEROSTAT_E_ARGUMENT (-1)    /* a null pointer, a struct_size that cannot be, a bad name */
#define AEROSTAT_E_MEMORY (-2)      /* no memory, or no more threads or descriptors */
#define AEROSTAT_E_SYSTEM (-3)      /* the operating system refused; errno says why */
#define AEROSTAT_E_INTERRUPTED (-4) /* a signal ended the wait */
#define AEROSTAT_E_THREAD (-5)      /* this reclaimer has a thread of its own: it is not yours to drive */

/* One consistent state. */
typedef struct aerostat_memory_condition {
    uint32_t struct_size;             /* set by the caller: sizeof(aerostat_memory_condition) */
    int32_t validity;                 /* AEROSTAT_VALID, … */
    int32_t level;                    /* AEROSTAT_LEVEL_… */
    int32_t trend;                    /* AEROSTAT_TREND_… */
    uint64_t session;                 /* another one after a restart, migration or resume: drop what you have cached */
    uint64_t updates;                 /* how often guestd has written so far */
    uint32_t level_changes;           /* for aerostat_condition_wait() */
    uint32_t changes;                 /* for aerostat_condition_wait() */
    uint64_t age_ns;                  /* since guestd wrote this; coarse, 4 ms */
    uint64_t available_bytes;         /* may still be taken without making anybody stall */
    uint64_t suggested_release_bytes; /* this guest, all programs together, should give so much; 0 when ample */
    uint64_t release_within_ns;       /* time left to do so; 0: it is over; AEROSTAT_UNKNOWN: no hurry */
    uint64_t java_ballooned_bytes;    /* taken from Java heaps */
    uint64_t guest_ballooned_bytes;   /* taken by the guest's OS balloon */
    uint64_t guest_target_bytes;      /* what the host's plan leaves this guest in all */
    uint64_t guest_total_bytes;       /* memory of the guest */
    int32_t host_level;               /* AEROSTAT_LEVEL_… */
    int32_t host_shares;              /* AEROSTAT_HOST_SHARES_… */
    double host_price;                /* what memory costs there: CPU seconds per second and GiB; negative: unknown */
    double psi_some_avg10;            /* percent of time in which a task waited for memory; negative: unknown */
    double psi_full_avg10;            /* in which all did */
} aerostat_memory_condition;

#define AEROSTAT_MEMORY_CONDITION_INIT                                                                                     \
    {                                                                                                                      \
        sizeof(aerostat_memory_condition), AEROSTAT_NO_DAEMON, AEROSTAT_LEVEL_UNKNOWN, AEROSTAT_TREND_UNKNOWN, 0, 0, 0, 0, \
            AEROSTAT_UNKNOWN, AEROSTAT_UNKNOWN, AEROSTAT_UNKNOWN, AEROSTAT_UNKNOWN, AEROSTAT_UNKNOWN, AEROSTAT_UNKNOWN,    \
            AEROSTAT_UNKNOWN, AEROSTAT_UNKNOWN, AEROSTAT_LEVEL_UNKNOWN, AEROSTAT_HOST_SHARES_NOTHING, -1.0, -1.0, -1.0     \
    }

/* What to wait for. */
#define AEROSTAT_WAIT_LEVEL 0 /* level, validity or session */
#define AEROSTAT_WAIT_ANY 1   /* these, or a figure by a noticeable amount (1 % of the guest) */

/*
 * Releases memory when asked: all of `bytes`, or less; returns what was really released, maybe 0.
 * `within_ms`: when the answer is wanted; a later one comes too late for who asked, but still counts.
 * Thread: the reclaimer's own, or the one that calls aerostat_reclaimer_dispatch(); never two calls at once for one
 * reclaimer.
 */
typedef uint64_t (*aerostat_reclaim_function)(void* user, uint64_t bytes, uint64_t within_ms);

typedef struct aerostat_reclaimer_options {
    uint32_t struct_size;              /* set by the caller */
    uint32_t flags;                    /* AEROSTAT_RECLAIMER_… */
    const char* runtime_dir;           /* as for aerostat_condition_open() */
    const char* name;                  /* 1 to 64 of [A-Za-z0-9._-]; for people */
    aerostat_reclaim_function reclaim; /* required */
    void* user;                        /* handed to it */
    uint64_t releasable_bytes;         /* what could be released now; see aerostat_reclaimer_update() */
    double price;                      /* what losing it costs: CPU seconds a second for each GiB; negative: unknown */
} aerostat_reclaimer_options;

#define AEROSTAT_RECLAIMER_OPTIONS_INIT \
    { sizeof(aerostat_reclaimer_options), 0, 0, 0, 0, 0, 0, -1.0 }

#define AEROSTAT_RECLAIMER_NO_THREAD 1u /* I poll aerostat_reclaimer_fd() and call aerostat_reclaimer_dispatch() */

typedef struct aerostat_condition aerostat_condition; /* a reader */
typedef struct aerostat_reclaimer aerostat_reclaimer;

#ifdef AEROSTAT_NO_OP
#include <aerostat/memory_condition_noop.h>
#else

#if defined(__GNUC__) && !defined(AEROSTAT_STATIC)
#define AEROSTAT_API __attribute__((visibility("default")))
#else
#define AEROSTAT_API
#endif

/* The library's version, "0.1.0". */
AEROSTAT_API const char* aerostat_version(void);
/* Words for people, never null: "tight", "stale", "a signal ended the wait". */
AEROSTAT_API const char* aerostat_level_name(int32_t level);
AEROSTAT_API const char* aerostat_validity_name(int32_t validity);
AEROSTAT_API const char* aerostat_error_text(int error);

/*
 * Opens a reader. `runtime_dir` is guestd's; NULL: $AEROSTAT_RUNTIME_DIR, else /run/aerostat. That there is no daemon is no
 * error: the reader finds one that comes later. Pages that belong neither to root nor to the caller's user are not believed.
 * Errors: E_ARGUMENT (also a directory of more than 4,000 bytes), E_MEMORY.
 */
AEROSTAT_API int aerostat_condition_open(const char* runtime_dir, aerostat_condition** reader);

/*
 * The condition now, as far as it is known: into->validity says. With a daemon: no system call, no lock, no waiting, some 20
 * ns; without one it looks for the page at most once a second. May be called from signal handlers while a daemon is there.
 * Errors: E_ARGUMENT.
 */
AEROSTAT_API int aerostat_condition_read(aerostat_condition* reader, aerostat_memory_condition* into);

/*
 * Waits until the condition is another than the one in *seen (from an earlier read or wait; a fresh _INIT one differs from
 * any that is known), and replaces it. A daemon that dies is noticed when its last word has become stale, five seconds after
 * it. `timeout_ms` below 0: for ever. Returns 1: it has changed; 0: the time is over (*seen is fresh all the same). Errors:
 * E_ARGUMENT, E_INTERRUPTED, E_SYSTEM.
 */
AEROSTAT_API int aerostat_condition_wait(aerostat_condition* reader, int what, int64_t timeout_ms,
                                         aerostat_memory_condition* seen);

/*
 * A descriptor for poll(), select(), epoll: readable when aerostat_condition_dispatch() has something to do. It stays the
 * same for the life of the reader, with or without a daemon; do not read from it, do not close it. The first call makes it:
 * `what` counts then. Errors: E_ARGUMENT, E_MEMORY, E_SYSTEM.
 */
AEROSTAT_API int aerostat_condition_fd(aerostat_condition* reader, int what);
/*
 * To be called when the descriptor is readable. Never blocks. Returns 1: the condition may have changed, read it; 0: it has
 * not. Errors: E_ARGUMENT (also before aerostat_condition_fd()).
 */
AEROSTAT_API int aerostat_condition_dispatch(aerostat_condition* reader);

/* Ends the reader; nobody may be using it. NULL is allowed. */
AEROSTAT_API void aerostat_condition_close(aerostat_condition* reader);

/*
 * Registers a cache, pool or buffer that gives memory back: guestd asks when the level is tight or critical, the cheapest
 * first. `options` and its texts are copied. Lost connections are made again. Unless AEROSTAT_RECLAIMER_NO_THREAD is set, a
 * thread with all signals blocked calls `reclaim`. Errors: E_ARGUMENT, E_MEMORY, E_SYSTEM.
 */
AEROSTAT_API int aerostat_reclaimer_register(const aerostat_reclaimer_options* options, aerostat_reclaimer** reclaimer);
/* New figures, as often as you like: they are sent at most ten times a second. Errors: E_ARGUMENT. */
AEROSTAT_API int aerostat_reclaimer_update(aerostat_reclaimer* reclaimer, uint64_t releasable_bytes, double price);
/* As aerostat_condition_fd(), for a reclaimer without a thread. Errors: E_ARGUMENT, E_THREAD. */
AEROSTAT_API int aerostat_reclaimer_fd(aerostat_reclaimer* reclaimer);
/* To be called when that descriptor is readable; calls `reclaim` from inside. Returns how often; 0 when it is called from
 * inside `reclaim`. Errors: E_ARGUMENT, E_MEMORY, E_THREAD. */
AEROSTAT_API int aerostat_reclaimer_dispatch(aerostat_reclaimer* reclaimer);
/* Ends it. Waits for a call of `reclaim` that is running; from inside one it returns at once, and that call is the last.
 * NULL is allowed. */
AEROSTAT_API void aerostat_reclaimer_unregister(aerostat_reclaimer* reclaimer);

#endif /* AEROSTAT_NO_OP */

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming) */

#endif /* AEROSTAT_MEMORY_CONDITION_H */
