/* The header as C99 sees it: compiled strictly, linked with the library, called from the C++ test. */
#include <stddef.h>

#include <aerostat/memory_condition.h>

size_t c_size_of_condition(void);
size_t c_offset_of_available(void);
size_t c_offset_of_host_price(void);
size_t c_size_of_options(void);
int c_round_trip(const char *directory, aerostat_memory_condition *into);

size_t c_size_of_condition(void) { return sizeof(aerostat_memory_condition); }
size_t c_offset_of_available(void) { return offsetof(aerostat_memory_condition, available_bytes); }
size_t c_offset_of_host_price(void) { return offsetof(aerostat_memory_condition, host_price); }
size_t c_size_of_options(void) { return sizeof(aerostat_reclaimer_options); }

int c_round_trip(const char *directory, aerostat_memory_condition *into) {
    aerostat_condition *reader;
    aerostat_memory_condition now = AEROSTAT_MEMORY_CONDITION_INIT;
    int result = aerostat_condition_open(directory, &reader);
    if (result == 0) result = aerostat_condition_read(reader, &now);
    aerostat_condition_close(reader);
    *into = now;
    return result;
}
