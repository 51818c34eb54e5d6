#include "host-controller/decide/steps.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "host-controller/decide/appetite.h"
#include "host-controller/decide/shortage.h"

namespace aerostat::host {
namespace {

constexpr Bytes kPage{4096};
constexpr Bytes kLeastUrgent{1ULL << 20};

struct Raise {
    std::size_t guest = 0;
    std::size_t layer = 0;
    bool urgent = false;
    double gain = 0;
    Bytes wanted;  ///< the target it would like
};

class Steps {
public:
    Steps(const Frame& frame, const ShareOutcome& aims, const HostSnapshot& seen, const HostRules& rules, TimePoint now)
        : frame_(frame), aims_(aims), rules_(rules), now_(now), settling_(seen.settling) {
        free_ = saturating_sub(rules.capacity(), frame.held + frame.cushion + frame.ready);
        reserve_ = saturating_sub(saturating_sub(rules.memory, frame.held), free_);
    }

    std::vector<std::vector<Step>> run() {
        Bytes urgently_needed;
        for (std::size_t g = 0; g < frame_.shared.size(); ++g) {
            steps_.emplace_back(guest(g).shared.size());
            urgently_needed += urgent_need(g);
        }
        const Bytes booked = frame_.held + urgently_needed;
        is_missing_ = booked > rules_.capacity();
        overbooked_ = booked + frame_.ready > rules_.capacity();
        presses_ = !urgently_needed.is_zero() || frame_.charged > rules_.capacity() || !frame_.short_by.is_zero();
        for (std::size_t g = 0; g < frame_.shared.size(); ++g) {
            for (std::size_t l = 0; l < steps_[g].size(); ++l) first_look(g, l);
        }
        cover_missing(saturating_sub(booked + frame_.ready, rules_.capacity()));
        grant_raises();
        return std::move(steps_);
    }

private:
    const FrameGuest& guest(std::size_t g) const { return frame_.guests[frame_.shared[g]]; }
    const FrameLayer& layer(std::size_t g, std::size_t l) const { return guest(g).layers[guest(g).shared[l]]; }
    static Bytes base_of(const FrameLayer& one) { return one.in_force.value_or(one.seen->footprint); }
    bool busy(const FrameLayer& one) const { return one.track && one.track->busy_until && now_ < *one.track->busy_until; }

    // The aim in whole pages, never below the floor nor below what orders have shown it can come to, trials excepted.
    Bytes aim(std::size_t g, std::size_t l) const {
        const FrameLayer& one = layer(g, l);
        const Bytes exact = aims_.layers[g][l];
        const Bytes wanted = std::max(round_down(exact, kPage), frame_.problem.guests[g].layers[l].curve.floor());
        if (!one.reachable || wanted > *one.reachable) return wanted;
        const Bytes least = std::max(round_up(one.trial.value_or(*one.reachable), kPage), kept_by_min(g, l));
        const Bytes base = base_of(one);
        if (wanted + kPage < *one.reachable) return std::max(wanted, std::min(base, least));  // a bound: no lower than that
        return base > least ? least : std::max(wanted, base);  // what it cannot give is no reason to give it more
    }

    // What a trial must leave this layer for its guest's guaranteed minimum, other trials in it included.
    Bytes kept_by_min(std::size_t g, std::size_t l) const {
        Bytes others;
        for (std::size_t k = 0; k < guest(g).shared.size(); ++k) {
            if (k != l) others += std::min(aims_.layers[g][k], layer(g, k).trial.value_or(aims_.layers[g][k]));
        }
        return round_up(saturating_sub(frame_.problem.guests[g].least, others), kPage);
    }

    // What urgent raises will take: others begin to refill the reserve in the same tick.
    Bytes urgent_need(std::size_t g) const {
        Bytes need;
        for (std::size_t l = 0; l < guest(g).shared.size(); ++l) {
            if (layer(g, l).urgent) need += saturating_sub(aim(g, l), layer(g, l).entitled);
        }
        return need;
    }

    bool over_its_max(std::size_t g) const {
        Bytes sum;
        for (std::size_t l = 0; l < guest(g).shared.size(); ++l) sum += base_of(layer(g, l));
        return sum > frame_.problem.guests[g].most;
    }

    double loss_of(std::size_t g, std::size_t l, Bytes base, Bytes target) const {
        const CostCurve& shared = frame_.problem.guests[g].layers[l].curve;
        const CostCurve& curve = target < shared.floor() ? layer(g, l).seen->curve : shared;
        return frame_.problem.guests[g].weight * (curve.evaluate(target) - curve.evaluate(std::max(base, curve.floor())));
    }

    // What taking `base - target` is worth to the others at the host's price, less what it costs this guest.
    bool pays(std::size_t g, std::size_t l, Bytes base, Bytes target) const {
        if (!rules_.policy->weighs_costs()) return true;
        const Bytes moved = saturating_sub(base, target);
        const double loss = loss_of(g, l, base, target);
        const double price_of_moving =
            rules_.pacing.cost_of_moving / static_cast<double>(1ULL << 30) / to_seconds(rules_.pacing.payback);
        const double worth = aims_.price * moved.as_double();
        return worth - loss > price_of_moving * moved.as_double() && worth > rules_.pacing.least_advantage * loss;
    }

    bool must_shrink(std::size_t g, std::size_t l) const {
        const FrameLayer& one = layer(g, l);
        const bool above_ceiling = one.operator_ceiling && base_of(one) > *one.operator_ceiling;
        return (overbooked_ && presses_) || above_ceiling || over_its_max(g);
    }

    // A heap that gives may be told to give more where memory is missing: the end of its order may be seconds away.
    bool asks_too_little(const FrameLayer& one, Bytes wanted) const {
        const bool gives = one.seen->kind == LayerKind::java_heap && !one.operator_ceiling && one.track->ordered &&
                           *one.track->ordered < one.seen->footprint;
        return is_missing_ && gives && wanted + rules_.dead_band(wanted) < *one.track->ordered;
    }

    // Room that a virtual machine's OS would only have to spare stays with the host.
    bool asks_for_more(const FrameLayer& one, Bytes base) const {
        if (one.seen->kind == LayerKind::java_heap || one.seen->from_inside || !rules_.policy->weighs_costs()) return true;
        return one.urgent || one.seen->curve.gain_of_giving(base) > 0;
    }

    void first_look(std::size_t g, std::size_t l) {
        const FrameLayer& one = layer(g, l);
        Step& step = steps_[g][l];
        const Bytes base = base_of(one);
        const Bytes wanted = aim(g, l);
        step.next = base;
        const bool may_stay_free = !one.in_force && !one.seen->held_at_once;
        if (wanted >= base && (may_stay_free || !asks_for_more(one, base))) return;
        if (wanted > base) return consider_raise(g, l, base, wanted);
        if (busy(one) && !asks_too_little(one, wanted)) {
            step.kind = StepKind::busy;
            return;
        }
        if (wanted < base) consider_shrink(g, l, base, wanted);
        if (!one.in_force && !step.ordered && !may_stay_free) restrain(g, l);
    }

    // A target just below what a heap holds drives its collector for next to nothing, and so does one just above it: until
    // the order is there the heap has grown that far. Then only what it does not hold is taken.
    Bytes worth_a_collection(const FrameLayer& one, Bytes base, Bytes wanted) const {
        const Bytes noise = rules_.dead_band(one.seen->footprint);
        const bool next_to_nothing = wanted + noise > one.seen->footprint && wanted < one.seen->footprint + noise / 2;
        if (one.seen->kind != LayerKind::java_heap || !next_to_nothing) return wanted;
        return std::min(base, breathing_room(one));
    }

    Bytes breathing_room(const FrameLayer& one) const {
        return round_up(one.seen->footprint + rules_.dead_band(one.seen->footprint) / 2, kPage);
    }

    void consider_shrink(std::size_t g, std::size_t l, Bytes base, Bytes wanted) {
        const FrameLayer& one = layer(g, l);
        Step& step = steps_[g][l];
        const bool must = must_shrink(g, l);
        if (!must) wanted = worth_a_collection(one, base, wanted);
        const Bytes change = saturating_sub(base, wanted);
        // Headroom nobody uses goes at once; resident bytes go in steps that can be verified.
        const Bytes lowest = saturating_sub(std::min(base, one.seen->footprint), rules_.pacing.largest_step);
        const Step shrink{std::max(wanted, lowest), StepKind::shrink, true};
        if (must) {
            if (change >= kLeastUrgent) step = shrink;
            return;
        }
        if (overbooked_ && change >= kLeastUrgent) note_spare(g, l, base, shrink.next);
        if (change < rules_.dead_band(base)) return;
        if (pays(g, l, base, wanted))
            step = shrink;
        else
            step.kind = StepKind::not_worth;
    }

    // As few as can be, for each order costs its heap collections.
    void cover_missing(Bytes missing) {
        for (std::size_t g = 0; g < steps_.size(); ++g) {
            for (std::size_t l = 0; l < steps_[g].size(); ++l) {
                const Step& step = steps_[g][l];
                if (step.kind == StepKind::shrink) missing = saturating_sub(missing, given_up(layer(g, l), step.next));
            }
        }
        const std::vector<Bytes> given = cover(spares_, missing);
        for (std::size_t i = 0; i < given.size(); ++i) {
            const auto [g, l] = spare_layers_[i];
            if (given[i].is_zero() || steps_[g][l].ordered) continue;
            steps_[g][l] = {saturating_sub(layer(g, l).entitled, given[i]), StepKind::shrink, true};
        }
    }

    static Bytes given_up(const FrameLayer& one, Bytes next) { return saturating_sub(one.entitled, next); }

    void note_spare(std::size_t g, std::size_t l, Bytes base, Bytes next) {
        const FrameLayer& one = layer(g, l);
        const Bytes used = std::max(next, breathing_room(one));
        spares_.push_back({given_up(one, used), given_up(one, next), loss_of(g, l, base, next)});
        spare_layers_.emplace_back(g, l);
    }

    // A JVM without a target is held where it is, so that what it may take is known.
    void restrain(std::size_t g, std::size_t l) {
        const FrameLayer& one = layer(g, l);
        // What a young one is left beyond its own floor has to be free first.
        const Bytes floor = std::min(one.floor, frame_.problem.guests[g].layers[l].curve.floor());
        steps_[g][l] = {std::max(floor, round_up(one.seen->footprint, kPage)), StepKind::restrain, true};
    }

    void consider_raise(std::size_t g, std::size_t l, Bytes base, Bytes wanted) {
        const FrameLayer& one = layer(g, l);
        Step& step = steps_[g][l];
        if (busy(one) && !one.urgent) {
            step.kind = StepKind::busy;
            return;
        }
        const bool small = saturating_sub(wanted, base) < (one.urgent ? kLeastUrgent : rules_.dead_band(base));
        if (!small) {
            const ShareGuest& share = frame_.problem.guests[g];
            raises_.push_back({g, l, one.urgent, share.weight * share.layers[l].curve.gain_of_giving(base), wanted});
        } else if (!one.in_force) {
            restrain(g, l);
        }
    }

    void grant_raises() {
        std::stable_sort(raises_.begin(), raises_.end(),
                         [](const Raise& a, const Raise& b) { return a.urgent != b.urgent ? a.urgent : a.gain > b.gain; });
        for (const Raise& raise : raises_) grant(raise);
    }

    Bytes pool_for(const Raise& raise) const {
        if (raise.urgent) return free_ + reserve_;
        if (settling_) return Bytes();
        return layer(raise.guest, raise.layer).is_young ? given_to_young(free_) : free_;
    }

    void grant(const Raise& raise) {
        const FrameLayer& one = layer(raise.guest, raise.layer);
        Step& step = steps_[raise.guest][raise.layer];
        const Bytes base = base_of(one);
        const Bytes pool = pool_for(raise);
        const Bytes limit = std::max(one.entitled, base) + rules_.pacing.largest_step;
        const Bytes next = round_down(std::min({raise.wanted, one.entitled + pool, limit}), kPage);
        if (busy(one) && one.track->ordered && next <= *one.track->ordered) {
            step.kind = StepKind::busy;  // this order is under way, or not yet in the guest's report
            return;
        }
        const Bytes least =
            raise.urgent ? kLeastUrgent : std::min(rules_.dead_band(base), saturating_sub(raise.wanted, base));
        if (next < base + least) {
            step.kind = StepKind::waits_for_free;
            if (!one.in_force && !busy(one)) restrain(raise.guest, raise.layer);
            return;
        }
        step = {next, StepKind::raise, true};
        spend(saturating_sub(next, one.entitled));
    }

    void spend(Bytes amount) {
        const Bytes from_free = std::min(free_, amount);
        free_ = saturating_sub(free_, from_free);
        reserve_ = saturating_sub(reserve_, saturating_sub(amount, from_free));
    }

    const Frame& frame_;
    const ShareOutcome& aims_;
    const HostRules& rules_;
    TimePoint now_;
    bool settling_;
    bool is_missing_ = false;  ///< memory that is needed now
    bool overbooked_ = false;  ///< counting what is to be kept ready
    bool presses_ = false;     ///< somebody lacks it now
    Bytes free_;
    Bytes reserve_;
    std::vector<Raise> raises_;
    std::vector<Spare> spares_;
    std::vector<std::pair<std::size_t, std::size_t>> spare_layers_;  ///< guest, layer
    std::vector<std::vector<Step>> steps_;
};

}  // namespace

std::vector<std::vector<Step>> next_steps(const Frame& frame, const ShareOutcome& aims, const HostSnapshot& seen,
                                          const HostRules& rules, TimePoint now) {
    return Steps(frame, aims, seen, rules, now).run();
}

}  // namespace aerostat::host
