// Words for people, of the C interface.
#include <array>

#include <aerostat/memory_condition.h>

namespace {

template <std::size_t Count>
const char* word(const std::array<const char*, Count>& words, int number) {
    return number >= 0 && static_cast<std::size_t>(number) < Count ? words[static_cast<std::size_t>(number)] : "unknown";
}

}  // namespace

extern "C" {

const char* aerostat_version(void) { return AEROSTAT_VERSION; }

const char* aerostat_level_name(int32_t level) {
    static constexpr std::array<const char*, 4> kWords{"ample", "advisory", "tight", "critical"};
    return word(kWords, level);
}

const char* aerostat_validity_name(int32_t validity) {
    static constexpr std::array<const char*, 4> kWords{"valid", "no-daemon", "stale", "no-host"};
    return word(kWords, validity);
}

const char* aerostat_error_text(int error) {
    static constexpr std::array<const char*, 6> kWords{"success",
                                                       "a bad argument: a null pointer, a wrong struct_size or a bad name",
                                                       "no memory, thread or descriptor to be had",
                                                       "the operating system refused (errno)",
                                                       "a signal ended the wait",
                                                       "this reclaimer has a thread of its own"};
    return error >= 0 ? kWords[0] : word(kWords, error < -1000 ? 1000 : -error);
}

}  // extern "C"
