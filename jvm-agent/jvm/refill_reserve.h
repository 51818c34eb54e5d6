#pragma once

#include <optional>
#include <string>

#include "contract/error.h"
#include "contract/units.h"

namespace aerostat::agent {

/// Memory that may be counted on when a full collection brings all of a balloon back inside its pause: what the operator has
/// set aside for it, and no more than there is: on the machine, and in each memory cgroup around this process.
/// Thread: agent thread.
class RefillReserve {
public:
    explicit RefillReserve(Bytes set_aside) : set_aside_(set_aside) {}
    /// At most a fifth of a second old. Zero where it cannot be told.
    [[nodiscard]] Bytes now();

private:
    Bytes set_aside_, last_;
    std::optional<std::int64_t> looked_at_ns_;
};

/// What the machine and each memory cgroup around this process that it can see could give now. Fails: as reading
/// /proc/meminfo; `denied` if this process is in a memory cgroup that it cannot see. `root` stands before /proc, for tests.
[[nodiscard]] Result<Bytes> memory_that_could_be_given(const std::string& root = {});

}  // namespace aerostat::agent
