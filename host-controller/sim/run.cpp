#include "host-controller/sim/run.h"

#include <algorithm>

#include "host-controller/decide/policies.h"
#include "host-controller/decide/reach.h"
#include "host-controller/decide/tracking.h"

namespace aerostat::host::sim {
namespace {

constexpr std::size_t kSamples = 480;
constexpr Duration kGrace = std::chrono::seconds(1);
constexpr Duration kUntilReported = std::chrono::milliseconds(1500);  // as in the daemon
constexpr Bytes kLeastHelp{64ULL << 20};

std::vector<Guest> guests_of(const Scenario& scenario) {
    std::vector<Guest> guests;
    for (const GuestGroup& group : scenario.groups) {
        for (std::uint32_t i = 0; i < group.count; ++i) guests.emplace_back(group, i, scenario.seed, scenario.noise);
    }
    return guests;
}

// Sums up what is to be told in the end.
class Ledger {
public:
    Ledger(const Scenario& scenario, std::size_t guests)
        : ticks_a_sample_(std::max<std::size_t>(1, static_cast<std::size_t>(scenario.length / scenario.tick) / kSamples)),
          step_(to_seconds(scenario.tick)),
          capacity_(scenario.rules.capacity()),
          lost_(guests) {}

    void tick(const std::vector<Guest>& guests, Bytes booked, double price, TimePoint now) {
        Bytes resident;
        double cost = 0;
        for (std::size_t i = 0; i < guests.size(); ++i) {
            resident += guests[i].resident();
            cost += guests[i].cost();
            lost_[i] += guests[i].cost() * step_;
            heaps_.add(guests[i], "heap", step_);
            caches_.add(guests[i], "cache", step_);
        }
        ++ticks_;
        sum_ += resident.as_double();
        peak_ = std::max(peak_, resident);
        if (resident > capacity_) in_reserve_ += step_;
        sample(resident, booked, cost, price, now);
    }

    void write(const std::vector<Guest>& guests, Outcome& outcome) {
        outcome.mean_resident = Bytes(static_cast<std::uint64_t>(sum_ / std::max(1.0, ticks_)));
        outcome.peak_resident = peak_;
        outcome.in_reserve_seconds = in_reserve_;
        outcome.heaps = heaps_.total(ticks_);
        outcome.caches = caches_.total(ticks_);
        for (std::size_t i = 0; i < guests.size(); ++i) {
            outcome.stall_seconds += lost_[i];
            if (lost_[i] <= outcome.worst_seconds) continue;
            outcome.worst_seconds = lost_[i];
            outcome.worst_guest = guests[i].name();
        }
        outcome.samples = std::move(samples_);
    }

private:
    void sample(Bytes resident, Bytes booked, double cost, double price, TimePoint now) {
        const double part = 1.0 / static_cast<double>(ticks_a_sample_);
        resident_ += resident.as_double() * part;
        booked_ += booked.as_double() * part;
        next_.cost += cost * part;
        next_.price += price * part;
        if (++in_sample_ < ticks_a_sample_) return;
        next_.hours = to_seconds(now - kMidnight) / 3600;
        next_.resident = Bytes(static_cast<std::uint64_t>(resident_));
        next_.booked = Bytes(static_cast<std::uint64_t>(booked_));
        samples_.push_back(next_);
        next_ = {};
        resident_ = booked_ = 0;
        in_sample_ = 0;
    }

    std::size_t ticks_a_sample_;
    double step_;
    Bytes capacity_;
    std::vector<double> lost_;
    /// One kind of layer, over all guests.
    struct Kind {
        double bytes = 0;
        double seconds = 0;
        void add(const Guest& guest, const char* name, double step) {
            const Layer* layer = guest.here() ? guest.layer(name) : nullptr;
            if (!layer) return;
            bytes += layer->footprint.as_double();
            seconds += layer->cost * step;
        }
        [[nodiscard]] LayerTotal total(double ticks) const {
            return {Bytes(static_cast<std::uint64_t>(bytes / std::max(1.0, ticks))), seconds};
        }
    };

    Kind heaps_;
    Kind caches_;
    double ticks_ = 0;
    double sum_ = 0;
    Bytes peak_;
    double in_reserve_ = 0;
    std::size_t in_sample_ = 0;
    double resident_ = 0;
    double booked_ = 0;
    Sample next_;
    std::vector<Sample> samples_;
};

// A host under one policy: what the daemon does between two calls of decide(), without daemon and clock.
class Host {
public:
    Host(const Scenario& scenario, const SharePolicy& policy)
        : scenario_(scenario),
          rules_(scenario.rules),
          guests_(guests_of(scenario)),
          ledger_(scenario, guests_.size()),
          watch_(rules_) {
        rules_.policy = &policy;
        outcome_.policy = policy.name();
        if (!policy.moves(LayerKind::java_heap)) size_heaps_once();
    }

    Outcome run() {
        const TimePoint end = kMidnight + scenario_.length;
        for (TimePoint now = kMidnight; now < end; now += scenario_.tick) tick(now);
        ledger_.write(guests_, outcome_);
        outcome_.violations = watch_.violations();
        return std::move(outcome_);
    }

private:
    struct UnderWay {
        LayerKey key;
        Bytes target;
        TimePoint deadline;
        std::size_t guest;
        Bytes before;
    };

    // Where nobody moves Java heaps, an operator has to give each a size for good: a fixed share by weight.
    void size_heaps_once() {
        HostSnapshot busy;
        for (const Guest& guest : guests_) busy.guests.push_back(guest.seen_at_full_load());
        HostRules fixed = rules_;
        fixed.policy = &static_shares();
        const HostPlan plan = decide(busy, {}, fixed, kMidnight);
        std::map<GuestId, Guest*> known;
        for (Guest& guest : guests_) known[guest.id()] = &guest;
        for (const LayerPlan& layer : plan.layers) known.at(layer.guest)->fix_ceiling(layer.layer, layer.target);
    }

    void tick(TimePoint now) {
        HostSnapshot seen;
        for (Guest& guest : guests_) {
            const GuestId id = guest.id();
            if (guest.advance(now - kMidnight, scenario_.tick)) forget_guest(state_, id);
            if (guest.here()) seen.guests.push_back(guest.seen());
        }
        end_operations(now);
        for (const GuestSeen& guest : seen.guests) hear_cries(guest, now);
        HostPlan plan = decide(seen, state_, rules_, now);
        watch_.look(plan, guests_, now);
        state_ = std::move(plan.after);
        if (!plan.orders.empty()) carry_out(plan, now);
        ledger_.tick(guests_, plan.held, plan.price, now);
    }

    void end_operations(TimePoint now) {
        std::erase_if(under_way_, [&](const UnderWay& one) {
            const Guest& guest = guests_[one.guest];
            const Layer* layer = guest.id() == one.key.first ? guest.layer(one.key.second) : nullptr;
            if (layer && layer->footprint > one.target && !layer->at_limit && now < one.deadline) return false;
            if (layer) learn_from(one, guest, *layer, now);
            note_settling(state_, one.key, one.target, now + kUntilReported);
            return true;
        });
    }

    void learn_from(const UnderWay& one, const Guest& guest, const Layer& layer, TimePoint now) {
        const EndReason reason = layer.footprint <= one.target ? EndReason::met
                                 : layer.at_limit              ? EndReason::floor
                                                               : EndReason::deadline;
        const ShrinkOutcome outcome{layer.footprint, saturating_sub(one.before, layer.footprint),
                                    saturating_sub(layer.footprint, one.target), reason};
        for (const LayerSeen& seen : guest.seen().layers) {
            if (seen.name == one.key.second) note_outcome(state_, one.key, seen, outcome, rules_, now);
        }
    }

    void hear_cries(const GuestSeen& guest, TimePoint now) {
        for (const LayerSeen& layer : guest.layers) {
            if (layer.distress && guest.connected)
                note_urgent(state_, guest, layer.name, std::max(kLeastHelp, layer.footprint / 8), rules_, now);
        }
    }

    void carry_out(const HostPlan& plan, TimePoint now) {
        std::map<GuestId, std::size_t> known;
        for (std::size_t i = 0; i < guests_.size(); ++i) known[guests_[i].id()] = i;
        for (const GuestOrder& order : plan.orders) {
            const std::size_t guest = known.at(order.guest);
            outcome_.moved += order.shrink_by;
            for (const LayerOrder& layer : order.layers) {
                const LayerKey key{order.guest, layer.layer};
                const TimePoint deadline = now + rules_.pacing.order_deadline;
                guests_[guest].take(layer);
                note_ordered(state_, key, layer.target.footprint, deadline + kGrace);
                under_way_.push_back(
                    {key, layer.target.footprint, deadline, guest, guests_[guest].layer(layer.layer)->footprint});
                ++outcome_.moves;
            }
        }
    }

    const Scenario& scenario_;
    HostRules rules_;
    std::vector<Guest> guests_;
    HostState state_;
    std::vector<UnderWay> under_way_;
    Ledger ledger_;
    Watch watch_;
    Outcome outcome_;
};

}  // namespace

std::uint64_t Outcome::violated() const {
    std::uint64_t times = 0;
    for (const Violation& one : violations) times += one.times;
    return times;
}

Outcome run(const Scenario& scenario, const SharePolicy& policy) { return Host(scenario, policy).run(); }

Outcome run_unrestrained(const Scenario& scenario) {
    std::vector<Guest> guests = guests_of(scenario);
    Ledger ledger(scenario, guests.size());
    for (TimePoint now = kMidnight; now < kMidnight + scenario.length; now += scenario.tick) {
        for (Guest& guest : guests) static_cast<void>(guest.advance(now - kMidnight, scenario.tick));
        ledger.tick(guests, Bytes(), 0, now);
    }
    Outcome outcome;
    outcome.policy = "unrestrained";
    ledger.write(guests, outcome);
    return outcome;
}

}  // namespace aerostat::host::sim
