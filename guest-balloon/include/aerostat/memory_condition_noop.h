/*
 * The memory condition without the library: every call answers that there is no daemon. Included by memory_condition.h where
 * AEROSTAT_NO_OP is defined; for builds and platforms without libaerostat. The same sources compile with both.
 */
#ifndef AEROSTAT_MEMORY_CONDITION_NOOP_H
#define AEROSTAT_MEMORY_CONDITION_NOOP_H

#ifndef AEROSTAT_MEMORY_CONDITION_H
#error "include aerostat/memory_condition.h with AEROSTAT_NO_OP defined"
#endif

#include <string.h>

static inline const char* aerostat_version(void) { return "none"; }
static inline const char* aerostat_level_name(int32_t level) { return level < 0 ? "unknown" : "ample"; }
static inline const char* aerostat_validity_name(int32_t validity) {
    return validity == AEROSTAT_NO_DAEMON ? "no-daemon" : "unknown";
}
static inline const char* aerostat_error_text(int error) { return error < 0 ? "error" : "success"; }

static inline int aerostat_condition_open(const char* runtime_dir, aerostat_condition** reader) {
    (void)runtime_dir;
    if (!reader) return AEROSTAT_E_ARGUMENT;
    *reader = 0; /* there is nothing to keep */
    return 0;
}

static inline int aerostat_condition_read(aerostat_condition* reader, aerostat_memory_condition* into) {
    static const aerostat_memory_condition nothing = AEROSTAT_MEMORY_CONDITION_INIT;
    (void)reader;
    if (!into || into->struct_size < sizeof(uint32_t)) return AEROSTAT_E_ARGUMENT;
    {
        const uint32_t size = into->struct_size;
        memcpy(into, &nothing, size < sizeof nothing ? size : sizeof nothing);
        into->struct_size = size;
    }
    return 0;
}

/* Nothing will ever change, and C99 has no way to wait: returns at once, as if the time were over. Pace yourself. */
static inline int aerostat_condition_wait(aerostat_condition* reader, int what, int64_t timeout_ms,
                                          aerostat_memory_condition* seen) {
    (void)what;
    (void)timeout_ms;
    return aerostat_condition_read(reader, seen);
}

static inline int aerostat_condition_fd(aerostat_condition* reader, int what) {
    (void)reader;
    (void)what;
    return AEROSTAT_E_SYSTEM;
}
static inline int aerostat_condition_dispatch(aerostat_condition* reader) {
    (void)reader;
    return 0;
}
static inline void aerostat_condition_close(aerostat_condition* reader) { (void)reader; }

static inline int aerostat_reclaimer_register(const aerostat_reclaimer_options* options, aerostat_reclaimer** reclaimer) {
    if (!options || !reclaimer) return AEROSTAT_E_ARGUMENT;
    *reclaimer = 0; /* nobody will ever ask */
    return 0;
}
static inline int aerostat_reclaimer_update(aerostat_reclaimer* reclaimer, uint64_t releasable_bytes, double price) {
    (void)reclaimer;
    (void)releasable_bytes;
    (void)price;
    return 0;
}
static inline int aerostat_reclaimer_fd(aerostat_reclaimer* reclaimer) {
    (void)reclaimer;
    return AEROSTAT_E_SYSTEM;
}
static inline int aerostat_reclaimer_dispatch(aerostat_reclaimer* reclaimer) {
    (void)reclaimer;
    return 0;
}
static inline void aerostat_reclaimer_unregister(aerostat_reclaimer* reclaimer) { (void)reclaimer; }

#endif /* AEROSTAT_MEMORY_CONDITION_NOOP_H */
