#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>

#include "contract/clock.h"
#include "contract/units.h"

namespace aerostat::guest {

/// How far the word of processes that offer memory holds: what they held before they were asked and what they hold after,
/// by the kernel's figures (anonymous memory: what is in shared memory or a file is nobody's alone).
///
/// Before a process was asked for the first time half of what it says counts; then by how much it got smaller for each
/// byte it was asked for, what came of the last time counting half. No process offers more than it holds. Pure.
class ReclaimerTruth {
public:
    static constexpr double kUntried = 0.5;
    static constexpr Duration kShowsWithin = std::chrono::seconds(2);  ///< after its answer

    void knows(pid_t process, double credit);
    void looked(pid_t process, std::optional<Bytes> holds, TimePoint now);
    void asked(pid_t process, Bytes bytes, TimePoint over);
    /// It has answered all that it was asked.
    void answered(pid_t process, TimePoint now);
    /// Others have gone.
    void keep_only(const std::set<pid_t>& processes);

    /// Bytes given for each that was asked for.
    [[nodiscard]] double credit(pid_t process) const;
    [[nodiscard]] bool is_tried(pid_t process) const;
    /// Nothing while that is unknown: what cannot be seen afterwards is not counted on.
    [[nodiscard]] Bytes holds(pid_t process) const;

private:
    struct Trial {
        Bytes asked;
        Bytes before;
        Bytes least;
        TimePoint over;
    };
    struct Process {
        double credit = kUntried;
        bool tried = false;
        std::optional<Bytes> holds;
        std::optional<Trial> trial;
    };
    std::map<pid_t, Process> processes_;
};

}  // namespace aerostat::guest
