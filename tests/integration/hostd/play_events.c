/* Preloaded into aerostat-hostd: says what libvirt's test driver cannot. Each line written to the FIFO AEROSTAT_TEST_EVENTS is
 * "fail NAME 0" (an error in the domain's memory), "reboot NAME 0", "set NAME MIB" (its balloon, as another manager would) or
 * "destroy NAME 0"; the last two are done, the first two only said. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ear {
    virConnectDomainEventGenericCallback callback;
    void *opaque;
};
enum { ids = 64 };
static struct ear ears[ids];
static virConnectPtr connection;

static void play(const char *what, const char *name, unsigned long mib) {
    virDomainPtr domain = virDomainLookupByName(connection, name);
    const struct ear *failure = &ears[VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE], *reboot = &ears[VIR_DOMAIN_EVENT_ID_REBOOT];
    if (!domain) return;
    if (strcmp(what, "fail") == 0 && failure->callback)
        ((virConnectDomainEventMemoryFailureCallback)(void *)failure->callback)(connection, domain, 1, 1, 0, failure->opaque);
    if (strcmp(what, "reboot") == 0 && reboot->callback) reboot->callback(connection, domain, reboot->opaque);
    if (strcmp(what, "set") == 0) virDomainSetMemoryFlags(domain, mib * 1024, VIR_DOMAIN_AFFECT_LIVE);
    if (strcmp(what, "destroy") == 0) virDomainDestroy(domain);
    virDomainFree(domain);
}

static void *hear(void *path) {
    for (;;) {
        char what[16], name[64];
        unsigned long mib;
        FILE *fifo = fopen(path, "r");
        if (!fifo) return NULL;
        while (fscanf(fifo, "%15s %63s %lu", what, name, &mib) == 3) play(what, name, mib);
        fclose(fifo);
    }
}

int virConnectDomainEventRegisterAny(virConnectPtr to, virDomainPtr domain, int id, virConnectDomainEventGenericCallback callback,
                                     void *opaque, virFreeCallback release) {
    int (*real)(virConnectPtr, virDomainPtr, int, virConnectDomainEventGenericCallback, void *, virFreeCallback) =
        dlsym(RTLD_NEXT, "virConnectDomainEventRegisterAny");
    char *path = getenv("AEROSTAT_TEST_EVENTS");
    if (path && !connection) {
        pthread_t thread;
        connection = to;
        virConnectRef(to);
        if (pthread_create(&thread, NULL, hear, path) == 0) pthread_detach(thread);
    }
    if (id >= 0 && id < ids) {
        ears[id].callback = callback;
        ears[id].opaque = opaque;
    }
    return real(to, domain, id, callback, opaque, release);
}
