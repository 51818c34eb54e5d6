#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "contract/clock.h"
#include "contract/control.h"

namespace aerostat::host::metrics {

/// What has happened since the daemon started, in sums that only grow. Thread: owner's.
class Tally {
public:
    /// All operations of one command that have ended.
    struct Sum {
        std::map<EndReason, std::uint64_t> ended;
        Bytes asked;
        Bytes obtained;
        Bytes verified;  ///< of those that were verified
        Duration took{};
    };

    void decided(Duration took);
    void ended(const OperationView& operation);
    /// The loop came to its work of every second so much too late.
    void ticked(Duration late);

    [[nodiscard]] std::uint64_t decisions() const { return decisions_; }
    [[nodiscard]] Duration deciding() const { return deciding_; }
    [[nodiscard]] Duration lateness() const { return lateness_; }
    /// By command: "squeeze", "give", "release", "balance".
    [[nodiscard]] const std::map<std::string, Sum>& operations() const { return operations_; }

private:
    std::uint64_t decisions_ = 0;
    Duration deciding_{};
    Duration lateness_{};
    std::map<std::string, Sum> operations_;
};

}  // namespace aerostat::host::metrics
