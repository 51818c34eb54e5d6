#pragma once

#include <vector>

#include "jvm-agent/jvm/ports.h"

namespace aerostat::agent {

/// CPU of the collector's threads, by their own CPU clocks. Threads are found by name and looked for again rarely: a
/// collector adds workers over time.
/// Thread: agent thread.
class GcThreads final : public GcCpuPort {
public:
    explicit GcThreads(const Clock& clock) : clock_(clock) {}
    [[nodiscard]] Used used() override;

private:
    struct Known {
        pid_t tid = 0;
        bool concurrent = false;
        Duration last{};
    };
    void find();

    const Clock& clock_;
    TimePoint found_at_{};
    std::vector<Known> threads_;
    Used ended_;  ///< of threads that are gone: a sum that never falls
};

}  // namespace aerostat::agent
