#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "contract/clock.h"
#include "contract/units.h"

namespace aerostat::guest {

/// How far the word of processes that offer memory holds: what they held before they were asked and what they hold after,
/// by the kernel's figures (anonymous memory: what is in shared memory or a file is nobody's alone).
///
/// Before a process was asked for the first time half of what it says counts, or less where the last trials of its user's
/// processes came to less; then by how much it got smaller for each byte it was asked for, older bytes counting less.
/// Leaving ends a trial with what was seen of it by then. No process offers more than it holds. Pure.
class ReclaimerTruth {
public:
    static constexpr double kUntried = 0.5;
    static constexpr double kProbe = 1.0 / 32;                         ///< of one that gave nothing, after kProbeAfter
    static constexpr Duration kProbeAfter = std::chrono::minutes(10);  ///< that it was not tried
    static constexpr Duration kShowsWithin = std::chrono::seconds(2);  ///< after its answer
    static constexpr Duration kUsersKept = std::chrono::minutes(10);   ///< what a user's processes came to
    static constexpr std::size_t kUsers = 256;
    /// Port: the anonymous memory that a process holds; absent where that cannot be seen.
    using Holds = std::function<std::optional<Bytes>(pid_t)>;

    void knows(pid_t process, uid_t user, double credit);
    /// The share that came, where a trial ended with this look.
    std::optional<double> looked(pid_t process, std::optional<Bytes> holds, TimePoint now);
    void asked(pid_t process, Bytes bytes, TimePoint over);
    /// It has answered all that it was asked.
    void answered(pid_t process, TimePoint now);
    /// Others have gone: their trials end here.
    void keep_only(const std::set<pid_t>& processes, const Holds& holds, TimePoint now);

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
    /// Bytes, fading as more are asked for.
    struct Record {
        Record();  // defined elsewhere: clang asks for it before this class is complete
        double asked = 0;
        double given = 0;
        double most = 0;  ///< held at the beginning of any trial
        TimePoint at;     ///< of the last one
        void add(const Trial& trial, Bytes came, TimePoint now);
        [[nodiscard]] double share() const { return given / asked; }
    };
    struct Process {
        uid_t user = 0;
        double first_credit = kUntried;
        std::optional<Record> record;
        std::optional<TimePoint> quiet_since;  ///< the last trial, or the first look
        bool is_due = false;                   ///< a probe is
        std::optional<Bytes> holds;
        std::optional<Trial> trial;
    };
    std::optional<double> conclude(Process& process, TimePoint now);
    void remember(uid_t user, const Trial& trial, Bytes came, TimePoint now);

    std::map<pid_t, Process> processes_;
    std::map<uid_t, Record> users_;  ///< bounded
};

}  // namespace aerostat::guest
