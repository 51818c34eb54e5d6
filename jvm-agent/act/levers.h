#pragma once

#include <string>
#include <vector>

#include "jvm-agent/jvm/ports.h"

namespace aerostat::agent {

/// The collector's settings that are ours for the moment, and what they were before.
/// Thread: agent thread.
class Levers {
public:
    explicit Levers(FlagPort& port) : port_(port) {}

    /// Sets what `plan_levers` finds for this target; what was set before stays the thing to restore.
    /// False: there is no lever here. Fails: with the JVM's words; what was set by this call is undone.
    [[nodiscard]] Result<bool> pull(const HeapFacts& heap, HeapTarget target, std::optional<Bytes> live);
    /// Ends the driving of cycles; the ratios stay.
    Status stop_cycles();
    /// Everything as it was before the first pull().
    Status restore();

    [[nodiscard]] bool drives_cycles() const { return cycling_; }
    /// "MaxHeapFreeRatio=10", for reports.
    [[nodiscard]] std::vector<std::string> in_use() const;
    /// Flags that are the operator's, at the last pull().
    [[nodiscard]] const std::string& left_alone() const { return left_alone_; }

private:
    Status set_all(const std::vector<FlagSetting>& settings);

    FlagPort& port_;
    bool ours_ = false;
    bool cycling_ = false;
    G1Flags before_;
    LeverPlan plan_;
    std::string left_alone_;
};

}  // namespace aerostat::agent
