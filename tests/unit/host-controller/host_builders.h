#pragma once

#include <string>
#include <utility>
#include <vector>

#include "host-controller/decide/plan.h"

// Hosts and guests for tests of the policy: complete, valid, changed where it matters.
namespace aerostat::host::testing {

using namespace aerostat::literals;
using namespace std::chrono_literals;

inline constexpr TimePoint kStart{std::chrono::hours(1)};

inline LayerSeen a_heap(std::string name, Bytes footprint, Bytes floor, Bytes ceiling, double k = 0) {
    LayerSeen layer;
    layer.name = std::move(name);
    layer.footprint = footprint;
    layer.floor = floor;
    layer.ceiling = ceiling;
    layer.curve = CostCurve::hyperbola(k, floor / 2, floor, ceiling);
    return layer;
}

/// A heap that already has a target in force.
inline LayerSeen held_at(LayerSeen layer, Bytes target) {
    layer.target = target;
    return layer;
}

inline GuestSeen a_guest(std::string name, std::vector<LayerSeen> layers, Bytes fixed = 50_MiB) {
    GuestSeen guest;
    guest.id = "session:" + name;
    guest.name = std::move(name);
    guest.connected = true;
    guest.fixed = guest.charged = fixed;
    for (const LayerSeen& layer : layers) guest.charged += layer.footprint;
    guest.layers = std::move(layers);
    return guest;
}

inline HostRules rules_for(Bytes memory, Bytes reserve, GuestLimits limits = {}) {
    HostRules rules;
    rules.memory = memory;
    rules.emergency_reserve = reserve;
    rules.guests.push_back({"*", limits});
    return rules;
}

inline GuestLimits at_least(Bytes min) {
    GuestLimits limits;
    limits.min = min;
    return limits;
}

inline const LayerPlan& row(const HostPlan& plan, const std::string& guest, const std::string& layer = "heap") {
    for (const LayerPlan& one : plan.layers) {
        if (one.guest_name == guest && one.layer == layer) return one;
    }
    static const LayerPlan none;
    return none;
}

inline const GuestOrder* order_to(const HostPlan& plan, const std::string& guest) {
    for (const GuestOrder& order : plan.orders) {
        if (order.guest == "session:" + guest) return &order;
    }
    return nullptr;
}

}  // namespace aerostat::host::testing
