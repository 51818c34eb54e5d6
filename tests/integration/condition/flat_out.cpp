// A daemon that publishes as fast as readers bear, by the daemon's own code: condition_flat_out FILE. Every byte count of a
// state is the same number, so whoever reads two different ones has read half of one and half of another. Runs until it is
// killed.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>

#include "contract/condition_access.h"

namespace {

std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

aerostat::ConditionState state_of(std::uint64_t number) {
    aerostat::ConditionState state{};
    state.session = 1;
    state.updated_ns = now_ns();
    state.stale_after_ns = 3'000'000'000;
    state.host_level = aerostat::kConditionLevelUnknown;
    state.host_price = state.psi_some_avg10 = state.psi_full_avg10 = aerostat::kConditionFigureUnknown;
    state.available_bytes = state.suggested_release_bytes = state.java_ballooned_bytes = number;
    state.guest_ballooned_bytes = state.guest_target_bytes = state.guest_total_bytes = number;
    return state;
}

// Without any pause nobody ever gets a copy before it is overtaken, and then there is nothing to check. A few microseconds,
// never the same, so that writes begin at every instruction of a reader.
void wait_for_readers(std::uint64_t number) {
    for (std::uint64_t i = 0; i < number % 4093; ++i) __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

}  // namespace

int main(int argc, char** argv) {
    const int file = argc == 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
    void* mapped =
        file < 0 ? MAP_FAILED : mmap(nullptr, aerostat::kConditionPageSize, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) {
        std::perror("condition_flat_out FILE");
        return 2;
    }
    auto& page = *static_cast<aerostat::ConditionPage*>(mapped);
    for (std::uint64_t number = 0;; ++number) {
        publish_condition(page, state_of(number));
        wait_for_readers(number);
    }
}
