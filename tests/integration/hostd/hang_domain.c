/* Preloaded into aerostat-hostd: calls of libvirt about the domains whose names begin with AEROSTAT_TEST_HANG never return. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libvirt/libvirt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void hang_if_meant(virDomainPtr domain) {
    const char *prefix = getenv("AEROSTAT_TEST_HANG"), *name = virDomainGetName(domain);
    if (!prefix || !name || strncmp(name, prefix, strlen(prefix)) != 0) return;
    for (;;) pause();
}

int virDomainMemoryStats(virDomainPtr domain, virDomainMemoryStatPtr stats, unsigned int count, unsigned int flags) {
    int (*real)(virDomainPtr, virDomainMemoryStatPtr, unsigned int, unsigned int) = dlsym(RTLD_NEXT, "virDomainMemoryStats");
    hang_if_meant(domain);
    return real(domain, stats, count, flags);
}

int virDomainSetMemoryFlags(virDomainPtr domain, unsigned long memory, unsigned int flags) {
    int (*real)(virDomainPtr, unsigned long, unsigned int) = dlsym(RTLD_NEXT, "virDomainSetMemoryFlags");
    hang_if_meant(domain);
    return real(domain, memory, flags);
}

int virDomainSetMemoryStatsPeriod(virDomainPtr domain, int period, unsigned int flags) {
    int (*real)(virDomainPtr, int, unsigned int) = dlsym(RTLD_NEXT, "virDomainSetMemoryStatsPeriod");
    hang_if_meant(domain);
    return real(domain, period, flags);
}
