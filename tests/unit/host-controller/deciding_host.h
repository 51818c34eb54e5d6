#pragma once

#include <gtest/gtest.h>

#include "host-controller/decide/tracking.h"
#include "tests/unit/host-controller/host_builders.h"

namespace aerostat::host::testing {

/// A host whose plans follow each other, each from what the one before left: of 1 GiB, unless the test says otherwise.
class DecidingHost : public ::testing::Test {
protected:
    HostPlan tick(Duration at = Duration::zero()) {
        HostPlan plan = decide(seen_, state_, rules_, kStart + at);
        state_ = plan.after;
        return plan;
    }

    HostSnapshot seen_;
    HostState state_;
    HostRules rules_ = rules_for(Bytes(1ULL << 30U), Bytes(64ULL << 20U));
};

}  // namespace aerostat::host::testing
