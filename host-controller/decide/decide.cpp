#include <algorithm>
#include <cmath>

#include "host-controller/decide/booking.h"
#include "host-controller/decide/explain.h"
#include "host-controller/decide/frame.h"
#include "host-controller/decide/level.h"
#include "host-controller/decide/plan.h"
#include "host-controller/decide/steps.h"
#include "host-controller/decide/tracking.h"

namespace aerostat::host {
namespace {

double finite_price(const CostCurve& curve, Bytes at) {
    const double price = curve.price_of_taking(at);
    return std::isfinite(price) ? price : curve.gain_of_giving(curve.floor());
}

std::string state_of(const FrameGuest& guest, const HostState& state) {
    if (!guest.limits) return "observed";
    if (!guest.seen->left_alone.empty()) return "left-alone";
    if (!guest.seen->connected) return "silent";
    if (state.paused_guests.contains(guest.seen->id) || guest.seen->hands_off) return "paused";
    const bool stuck = std::any_of(guest.layers.begin(), guest.layers.end(),
                                   [](const FrameLayer& l) { return l.track && l.track->aside_since; });
    return stuck ? "stuck" : "connected";
}

// Guaranteed minimums are served first; who needs more than its minimum is short of what is left, by weight.
void list_who_is_short(const Frame& frame, Bytes capacity, HostPlan& plan) {
    if (plan.short_by.is_zero()) return;
    Bytes left = capacity;
    double weights = 0;
    std::vector<Bytes> above(frame.guests.size());
    for (std::size_t i = 0; i < frame.guests.size(); ++i) {
        const FrameGuest& guest = frame.guests[i];
        Bytes need = guest.apart;
        for (const std::size_t l : guest.shared) need += guest.layers[l].seen->floor;
        const Bytes minimum = guest.limits && guest.limits->min ? *guest.limits->min : Bytes();
        left = saturating_sub(left, minimum);
        above[i] = saturating_sub(need, minimum);
        if (!above[i].is_zero()) weights += guest.limits ? guest.limits->weight : 1;
    }
    for (std::size_t i = 0; i < frame.guests.size(); ++i) {
        const FrameGuest& guest = frame.guests[i];
        if (above[i].is_zero()) continue;
        const double weight = guest.limits ? guest.limits->weight : 1;
        plan.guests[i].short_by = saturating_sub(above[i], share_of(left, weight / weights));
    }
}

LayerPlan untouched_row(const FrameGuest& guest, const FrameLayer& layer) {
    LayerPlan row;
    row.guest = guest.seen->id;
    row.guest_name = guest.seen->name;
    row.layer = layer.seen->name;
    row.now = layer.seen->footprint;
    row.target = row.next = layer.in_force.value_or(layer.seen->footprint);
    row.price = finite_price(layer.seen->curve, row.now);
    row.why = layer.untouched_because;
    return row;
}

class Planner {
public:
    Planner(const HostSnapshot& seen, const HostState& before, const HostRules& rules, TimePoint now)
        : seen_(seen), rules_(rules), now_(now) {
        plan_.after = carry_over(seen, before, rules, now);
        frame_ = frame_of(seen, plan_.after, rules, now);
    }

    HostPlan run() {
        const ShareOutcome aims = rules_.policy->share_out(frame_.problem);
        fill_totals(aims);
        const auto steps = next_steps(frame_, aims, seen_, rules_, now_);
        plan_.guests.reserve(frame_.guests.size());
        plan_.layers.reserve(2 * frame_.guests.size());
        std::size_t shared = 0;
        for (std::size_t g = 0; g < frame_.guests.size(); ++g) {
            const bool takes_part = shared < frame_.shared.size() && frame_.shared[shared] == g;
            add_guest(g, aims, steps, takes_part ? shared : frame_.shared.size());
            if (takes_part) ++shared;
        }
        list_who_is_short(frame_, saturating_sub(plan_.capacity, frame_.cushion), plan_);
        // Stable: shrinks first, otherwise in the guests' order.
        std::stable_partition(plan_.orders.begin(), plan_.orders.end(),
                              [](const GuestOrder& o) { return o.raise_by < o.shrink_by; });
        if (plan_.after.paused) plan_.orders.clear();
        return std::move(plan_);
    }

private:
    void fill_totals(const ShareOutcome& aims) {
        plan_.capacity = rules_.capacity();
        plan_.policy = rules_.policy->name();
        plan_.price = aims.price;
        plan_.charged = frame_.charged;
        plan_.held = frame_.held;
        plan_.free = saturating_sub(plan_.capacity, frame_.held);
        plan_.ready = frame_.ready;
        plan_.short_by = frame_.short_by;
        plan_.short_by_as_told = frame_.short_by_as_told;
        plan_.level = host_level({plan_.capacity, frame_.charged, plan_.short_by, aims.price}, plan_.after.level);
        plan_.after.level = plan_.level;
    }

    void add_guest(std::size_t index, const ShareOutcome& aims, const std::vector<std::vector<Step>>& steps,
                   std::size_t shared) {
        const FrameGuest& guest = frame_.guests[index];
        GuestPlan row{guest.seen->id, state_of(guest, plan_.after), guest.apart, guest.held, Bytes()};
        GuestOrder order;
        order.guest = guest.seen->id;
        std::size_t next_shared = 0;
        for (std::size_t l = 0; l < guest.layers.size(); ++l) {
            const bool takes_part = next_shared < guest.shared.size() && guest.shared[next_shared] == l;
            if (!takes_part) {
                plan_.layers.push_back(untouched_row(guest, guest.layers[l]));
                lift_if_paused(guest, guest.layers[l], order);
                continue;
            }
            row.target += aims.layers[shared][next_shared];
            add_layer(guest, guest.layers[l], shared, next_shared, aims, steps[shared][next_shared], order);
            ++next_shared;
        }
        row.takes = about_to_be_taken(guest, order);
        plan_.guests.push_back(std::move(row));
        if (order.layers.empty()) return;
        order.os_target = container_target(*guest.seen, plan_.after, order.layers);
        plan_.orders.push_back(std::move(order));
    }

    void add_layer(const FrameGuest& guest, const FrameLayer& layer, std::size_t g, std::size_t l, const ShareOutcome& aims,
                   const Step& step, GuestOrder& order) {
        LayerPlan row = untouched_row(guest, layer);
        const ShareGuest& share = frame_.problem.guests[g];
        Bytes sum;
        for (const Bytes one : aims.layers[g]) sum += one;
        row.target = aims.layers[g][l];
        row.next = step.next;
        row.ordered = step.ordered;
        row.price = finite_price(share.layers[l].curve, row.target);
        row.why = why(guest, layer, share, sum, row.target, step, *rules_.policy);
        plan_.layers.push_back(std::move(row));
        if (step.ordered) add_order(layer, step.next, order);
    }

    void add_order(const FrameLayer& layer, Bytes target, GuestOrder& order) {
        const Bytes base = layer.in_force.value_or(layer.seen->footprint);
        order.layers.push_back({layer.seen->name, HeapTarget{target}, base, layer.seen->kind});
        order.shrink_by += saturating_sub(std::min(base, layer.seen->footprint), target);
        order.raise_by += saturating_sub(target, base);
        order.urgent = order.urgent || layer.urgent;
    }

    // Of what the guest OS could still use: what an order wants, now or since it is under way. Heaps give before it is
    // taken.
    Bytes about_to_be_taken(const FrameGuest& guest, const GuestOrder& order) const {
        Bytes sum;
        for (const FrameLayer& layer : guest.layers) {
            if (layer.seen->kind != LayerKind::guest_os) continue;
            const auto now = std::find_if(order.layers.begin(), order.layers.end(),
                                          [&](const LayerOrder& one) { return one.layer == layer.seen->name; });
            const bool busy = layer.track && layer.track->busy_until && now_ < *layer.track->busy_until;
            if (now != order.layers.end())
                sum += saturating_sub(layer.seen->footprint, now->target.footprint);
            else if (busy && layer.track->ordered)
                sum += saturating_sub(layer.seen->footprint, *layer.track->ordered);
        }
        return sum;
    }

    // The off switch lifts the targets of a guest once; afterwards it reports none.
    void lift_if_paused(const FrameGuest& guest, const FrameLayer& layer, GuestOrder& order) {
        const bool paused = guest.seen->connected && guest.seen->left_alone.empty() &&
                            plan_.after.paused_guests.contains(guest.seen->id) && guest.limits;
        const bool busy = layer.track && layer.track->busy_until && now_ < *layer.track->busy_until;
        if (!paused || busy || !layer.seen->can_move || !layer.seen->target || *layer.seen->target >= layer.ceiling) return;
        add_order(layer, std::max(layer.seen->ceiling, layer.seen->floor), order);
    }

    const HostSnapshot& seen_;
    const HostRules& rules_;
    TimePoint now_;
    HostPlan plan_;
    Frame frame_;
};

}  // namespace

HostPlan decide(const HostSnapshot& seen, const HostState& before, const HostRules& rules, TimePoint now) {
    return Planner(seen, before, rules, now).run();
}

}  // namespace aerostat::host
