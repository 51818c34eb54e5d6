#pragma once

#include <string>

#include "host-controller/app/history_record.h"

// Kept decisions for people. Names in them came from guests; everything is made printable.
namespace aerostat::host::app {

/// "2026-11-21 14:05:09", local time.
[[nodiscard]] std::string time_of(const DecisionRecord& record);

/// One line a decision: when, how the host was, and what was ordered and why.
[[nodiscard]] std::string history_line(const DecisionRecord& record);

/// Everything about one decision: what the host saw, and for each layer where it was, where it should be, at what price,
/// why.
[[nodiscard]] std::string explain_record(const DecisionRecord& record);

/// What another policy would have made of recorded decisions.
class Replay {
public:
    /// nullptr: the recorded policy, which must come to the recorded plan.
    explicit Replay(const SharePolicy* policy) : policy_(policy) {}
    void add(const DecisionRecord& record);
    [[nodiscard]] std::string render() const;
    [[nodiscard]] std::string as_json() const;
    [[nodiscard]] std::size_t decisions() const { return decisions_; }
    /// Decisions whose orders came out alike.
    [[nodiscard]] std::size_t alike() const { return alike_; }

private:
    struct Side {
        double cost = 0;  ///< CPU seconds a second at the aims, weighted, summed over decisions
        std::size_t orders = 0;
        Bytes shrunk;
        Bytes raised;
    };
    static void count(Side& side, const HostPlan& plan, const DecisionRecord& record);

    const SharePolicy* policy_;
    std::size_t decisions_ = 0;
    std::size_t alike_ = 0;
    std::string first_difference_;
    std::string recorded_policy_;
    Side recorded_;
    Side replayed_;
};

}  // namespace aerostat::host::app
