// Preloaded into a JVM by tests: locks all of the process's memory, at its start or when it is signalled, as programs do that
// must never be swapped out. LOCK_MEMORY: "start" or "later" (SIGRTMIN+5).
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void lock_memory(int signal_number) {
    (void)signal_number;
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) _exit(97);
}

__attribute__((constructor)) static void begin(void) {
    const char* when = getenv("LOCK_MEMORY");
    if (when == NULL) return;
    if (strcmp(when, "start") == 0) return lock_memory(0);
    struct sigaction action = {.sa_handler = lock_memory, .sa_flags = SA_RESTART};
    sigaction(SIGRTMIN + 5, &action, NULL);
}
