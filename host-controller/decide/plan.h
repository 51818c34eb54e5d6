#pragma once

#include <string>
#include <vector>

#include "host-controller/decide/model.h"
#include "host-controller/decide/rules.h"

namespace aerostat::host {

/// One JVM's line of the plan: where it is, where it should be, and why.
struct LayerPlan {
    GuestId guest;
    std::string guest_name;
    std::string layer;
    Bytes now;
    Bytes target;          ///< the aim
    Bytes next;            ///< how far this tick goes towards it
    bool ordered = false;  ///< an order for `next` is in this plan
    double price = 0;      ///< per byte at the target
    std::string why;
};

struct LayerOrder {
    std::string layer;
    HeapTarget target;
    Bytes from{};  ///< what it holds, or may come to hold by the order in force: growing starts from there
    LayerKind kind = LayerKind::java_heap;
};

/// Everything one guest is told in this tick.
struct GuestOrder {
    GuestId guest;
    std::vector<LayerOrder> layers;
    Bytes shrink_by;  ///< sum of footprint taken by the shrinking layers
    Bytes raise_by;
    bool urgent = false;
    std::optional<GuestTarget> os_target{};  ///< what a container may hold in all
};

struct GuestPlan {
    GuestId guest;
    std::string state;  ///< "connected", "silent", "stuck", "observed", "paused", "left-alone"
    Bytes target;       ///< what the plan leaves it in all
    Bytes held;         ///< booked: measured, or what its targets entitle it to, if that is more
    Bytes short_by;     ///< it needs this much more than there is
    Bytes takes{};      ///< of what it has available, what is about to be taken
};

struct HostPlan {
    Bytes capacity;  ///< budget less emergency reserve
    std::string policy{};
    double price = 0;        ///< per byte
    Bytes short_by;          ///< floors and minimums do not fit by this much
    Bytes short_by_as_told;  ///< the same by reported floors alone: what orders have shown does not hold for good
    Bytes charged;           ///< measured, over all guests
    Bytes held;              ///< booked, over all guests
    Bytes free;              ///< verified free: capacity - held
    Bytes ready{};           ///< of the capacity, kept for a heap that has grown faster than others give
    std::string level;       ///< ample, advisory, tight, critical
    std::vector<LayerPlan> layers;
    std::vector<GuestPlan> guests;
    std::vector<GuestOrder> orders;  ///< shrinking ones first
    HostState after;                 ///< `before` with what has expired or vanished removed and progress noted
};

/// One tick of the policy. Pure: no clock, no I/O, no log; same arguments, same plan.
///
/// Raises come only out of memory that is verified free: capacity less, for every guest, the larger of what is measured and
/// what the targets in force entitle it to. (A JVM without a target is booked at its footprint and given a target at once.)
/// Shrinks are ordered when the capacity is overbooked, when an operator's ceiling asks for it, or when the gain passes the
/// cost of moving. Operators' pauses and ceilings, stuck and lost guests are respected as described in docs/policy.md.
[[nodiscard]] HostPlan decide(const HostSnapshot& seen, const HostState& before, const HostRules& rules, TimePoint now);

}  // namespace aerostat::host
