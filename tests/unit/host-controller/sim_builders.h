#pragma once

#include <string>
#include <utility>
#include <vector>

#include "host-controller/sim/run.h"
#include "tests/unit/host-controller/host_builders.h"

namespace aerostat::host::sim {

using namespace host::testing;

inline constexpr Duration kSecond = 1s;

inline GuestGroup a_group(std::string name, Nature nature = Nature::ideal) {
    GuestGroup group;
    group.name = std::move(name);
    group.nature = nature;
    group.heap = HeapModel{400_MiB, 200_MiB, 2_GiB, 100_MiB, 2_GiB};
    return group;
}

inline Scenario a_scenario(std::vector<GuestGroup> groups, Bytes memory = 8_GiB) {
    Scenario scenario;
    scenario.name = "test";
    scenario.length = 1h;
    scenario.rules.memory = memory;
    scenario.rules.emergency_reserve = 1_GiB;
    GuestLimits limits;
    limits.min = 256_MiB;
    scenario.rules.guests.push_back({"*", limits});
    scenario.groups = std::move(groups);
    return scenario;
}

inline void run_for(Guest& guest, Duration from, Duration length) {
    for (Duration at = from; at < from + length; at += kSecond) static_cast<void>(guest.advance(at, kSecond));
}

}  // namespace aerostat::host::sim
