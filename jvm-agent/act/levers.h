#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "jvm-agent/jvm/ports.h"

namespace aerostat::agent {

/// The collector's settings that are ours for the moment, and what they were before.
/// Thread: agent thread.
class Levers {
public:
    Levers(FlagPort& port, LeverRule rule) : port_(port), rule_(rule) {}

    /// Sets what the collector's rule finds for this sight; what was set before stays the thing to restore.
    /// False: there is no lever here. Fails: with the JVM's words; what is ours is put back then.
    [[nodiscard]] Result<bool> pull(const LeverSight& seen);
    /// While cycles are driven: now one is wanted, and now (`seen.rest`) none. Nothing if none are.
    Status pace_cycles(const LeverSight& seen);
    /// Ends the driving of cycles; what holds the target stays. `seen.drive` is not looked at.
    Status stop_cycles(LeverSight seen);
    /// What is set only while a heap is held by its size under load: set, or put back, as `seen.holds_busy` says.
    Status follow_hold(const LeverSight& seen);
    /// Settings that depend on the balloon's size, for the size in `seen`. Nothing if there are none in use.
    Status follow_balloon(LeverSight seen);
    /// A limit that the balloon follows, for what is known now, and every other time a region less: Shenandoah uncommits
    /// what is free when its soft maximum changes, so after each cycle it has to. Nothing if there is none in use.
    Status renew(LeverSight seen);
    /// Everything as it was before the first pull().
    Status restore();

    /// A cycle can be driven that makes the heap as large as `seen.size`.
    [[nodiscard]] bool can_size(const LeverSight& seen) const;
    [[nodiscard]] bool is_holding() const { return !hold_flags_.empty(); }
    [[nodiscard]] bool drives_cycles() const { return driving_; }
    /// While drives_cycles(): it takes full collections.
    [[nodiscard]] bool collects_fully() const { return driving_ && collects_fully_; }
    /// "MaxHeapFreeRatio=10", for reports.
    [[nodiscard]] std::vector<std::string> in_use() const;
    /// Flags that are the operator's, at the last pull().
    [[nodiscard]] const std::string& left_alone() const { return left_alone_; }

private:
    using Values = std::map<std::string, std::int64_t>;
    [[nodiscard]] LeverPlan plan(const LeverSight& seen) const;
    [[nodiscard]] std::optional<FlagState> as_before(std::string_view name) const;
    Status set_all(const std::vector<FlagSetting>& settings);
    Status set(const FlagSetting& setting);
    bool is_taken_over(const std::string& name);
    Status put_back(const std::vector<std::string>& names);

    FlagPort& port_;
    LeverRule rule_;
    Values before_;                         ///< of each flag that is ours now
    Values ours_;                           ///< what we have set it to
    std::set<std::string> taken_over_;      ///< changed by others while they were ours
    std::vector<std::string> cycle_flags_;  ///< of them, those that only drive
    std::vector<std::string> hold_flags_;   ///< those that are set only while it is held by its size under load
    bool driving_ = false;
    bool collects_fully_ = false;
    bool follows_balloon_ = false;
    bool renewed_ = false;  ///< by renew(): one region less than planned
    std::string left_alone_;
};

}  // namespace aerostat::agent
