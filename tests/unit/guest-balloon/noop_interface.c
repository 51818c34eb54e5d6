/* The same program without the library. */
#define AEROSTAT_NO_OP
#include <aerostat/memory_condition.h>

static uint64_t nothing(void *user, uint64_t bytes, uint64_t within_ms) {
    (void)user;
    (void)bytes;
    (void)within_ms;
    return 0;
}

int noop_round_trip(aerostat_memory_condition *into);

int noop_round_trip(aerostat_memory_condition *into) {
    aerostat_condition *reader;
    aerostat_reclaimer *reclaimer;
    aerostat_memory_condition now = AEROSTAT_MEMORY_CONDITION_INIT;
    aerostat_reclaimer_options options = AEROSTAT_RECLAIMER_OPTIONS_INIT;
    options.name = "cache";
    options.reclaim = nothing;
    if (aerostat_condition_open(0, &reader) != 0 || aerostat_condition_read(reader, &now) != 0) return 1;
    if (aerostat_condition_wait(reader, AEROSTAT_WAIT_ANY, 0, &now) != 0 || aerostat_condition_fd(reader, AEROSTAT_WAIT_ANY) >= 0) return 2;
    if (aerostat_condition_dispatch(reader) != 0 || aerostat_reclaimer_register(&options, &reclaimer) != 0) return 3;
    if (aerostat_reclaimer_update(reclaimer, 1, 0.5) != 0 || aerostat_reclaimer_dispatch(reclaimer) != 0) return 4;
    if (aerostat_reclaimer_fd(reclaimer) >= 0 || aerostat_version()[0] == 0) return 5;
    if (aerostat_level_name(now.level)[0] != 'u' || aerostat_validity_name(now.validity)[0] != 'n' || aerostat_error_text(-1)[0] == 0) return 6;
    aerostat_reclaimer_unregister(reclaimer);
    aerostat_condition_close(reader);
    *into = now;
    return 0;
}
