/*
 * A cache that gives memory back when the guest is short of it, and stays small while it is.
 *
 *     cc -std=c99 -Wall examples/c/cache.c -o cache $(pkg-config --cflags --libs aerostat)
 *     ./cache            # until Ctrl-C; without aerostat-guestd it just runs
 *
 * Try it: aerostatctl condition --watch in another terminal, and a program that takes much memory in a third.
 */
#define _POSIX_C_SOURCE 200809L

#include <aerostat/memory_condition.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)1 << 20)
#define MOST_PIECES 256

static void* pieces[MOST_PIECES]; /* each large enough that free() gives it back to the system at once */
static size_t count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile sig_atomic_t done;

static void on_signal(int number) {
    (void)number;
    done = 1;
}

/* Called on the library's thread. */
static uint64_t release(void* user, uint64_t bytes, uint64_t within_ms) {
    uint64_t released = 0;
    (void)user;
    pthread_mutex_lock(&lock);
    while (count > 0 && released < bytes) {
        free(pieces[--count]);
        released += PIECE;
    }
    pthread_mutex_unlock(&lock);
    printf("asked for %llu MiB within %llu ms, released %llu MiB\n", (unsigned long long)(bytes >> 20),
           (unsigned long long)within_ms, (unsigned long long)(released >> 20));
    fflush(stdout);
    return released;
}

static void fill(void) {
    pthread_mutex_lock(&lock);
    if (count < MOST_PIECES && (pieces[count] = malloc(PIECE)) != NULL) memset(pieces[count++], 1, PIECE);
    pthread_mutex_unlock(&lock);
}

int main(void) {
    aerostat_condition* reader;
    aerostat_reclaimer* reclaimer;
    aerostat_memory_condition now = AEROSTAT_MEMORY_CONDITION_INIT;
    aerostat_reclaimer_options options = AEROSTAT_RECLAIMER_OPTIONS_INIT;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal; /* without SA_RESTART: it ends the wait */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    options.name = "example-cache";
    options.reclaim = release;
    options.price = 0.05; /* losing a GiB of it would cost 50 ms of CPU each second */
    if (aerostat_condition_open(NULL, &reader) != 0 || aerostat_reclaimer_register(&options, &reclaimer) != 0) {
        fprintf(stderr, "no memory\n");
        return 1;
    }
    while (!done) {
        /* Reading costs some 20 ns: do it wherever you are about to allocate. Unknown counts as below tight. */
        aerostat_condition_read(reader, &now);
        if (now.level < AEROSTAT_LEVEL_TIGHT) fill();
        aerostat_reclaimer_update(reclaimer, (uint64_t)count * PIECE, options.price);
        aerostat_condition_wait(reader, AEROSTAT_WAIT_LEVEL, 50, &now);
    }
    printf("%s, %s: holding %zu MiB\n", aerostat_validity_name(now.validity), aerostat_level_name(now.level), count);
    aerostat_reclaimer_unregister(reclaimer);
    aerostat_condition_close(reader);
    return 0;
}
