#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "host-controller/decide/tracking.h"
#include "tests/unit/host-controller/host_builders.h"

// The policy against simulated guests over simulated hours.
namespace aerostat::host {
namespace {

using namespace testing;

enum class Nature { ideal, slow, stuck, dead };

/// A guest with one heap: grows when it may, shrinks as its nature lets it, reports with noise.
struct SimGuest {
    std::string name;
    Nature nature = Nature::ideal;
    Bytes floor = 100_MiB;
    Bytes ceiling = 2_GiB;
    Bytes wants = 100_MiB;  ///< what its program would hold unrestrained
    double k = 0;
    Bytes footprint = 100_MiB;
    std::optional<Bytes> target;
    Bytes fixed = 60_MiB;

    void step() {
        const Bytes allowed = std::max(floor, target.value_or(ceiling));
        if (nature == Nature::dead) return;
        if (footprint > allowed && nature != Nature::stuck) {
            const Bytes speed = nature == Nature::slow ? 20_MiB : 1_GiB;
            footprint = std::max(allowed, saturating_sub(footprint, speed));
        }
        // A running program fills what it may use; an idle one keeps what it has.
        if (footprint < allowed && footprint < wants) footprint = std::min({allowed, wants, footprint + 200_MiB});
    }
};

class SimHost {
public:
    SimHost(HostRules rules, std::vector<SimGuest> guests, unsigned seed = 1)
        : rules_(std::move(rules)), guests_(std::move(guests)), random_(seed) {}

    void tick() {
        const HostPlan plan = decide(picture(), state_, rules_, now_);
        state_ = plan.after;
        for (const GuestOrder& order : plan.orders) carry_out(order);
        now_ += 1s;
        for (SimGuest& guest : guests_) guest.step();
        last_ = plan;
        worst_ = std::max(worst_, held());
    }

    void run(Duration time) {
        for (const TimePoint end = now_ + time; now_ < end;) tick();
    }

    [[nodiscard]] Bytes held() const {
        Bytes sum;
        for (const SimGuest& guest : guests_) sum += guest.footprint + guest.fixed;
        return sum;
    }
    SimGuest& guest(std::size_t i) { return guests_[i]; }

    Bytes worst_;
    Bytes moved_;  ///< sum of shrinking orders
    std::size_t orders_ = 0;
    HostPlan last_;

private:
    double noise(double share) { return 1 + std::uniform_real_distribution<double>(-share, share)(random_); }

    HostSnapshot picture() {
        HostSnapshot seen;
        for (SimGuest& guest : guests_) {
            LayerSeen heap = a_heap("heap", guest.footprint, guest.floor, guest.ceiling, guest.k * noise(0.2));
            if (guest.target && *guest.target < guest.ceiling) heap.target = guest.target;
            GuestSeen one = a_guest(guest.name, {heap}, share_of(guest.fixed, noise(0.05)));
            one.connected = guest.nature != Nature::dead;
            seen.guests.push_back(std::move(one));
        }
        return seen;
    }

    void carry_out(const GuestOrder& order) {
        for (SimGuest& guest : guests_) {
            if ("session:" + guest.name != order.guest) continue;
            for (const LayerOrder& layer : order.layers) {
                guest.target = layer.target.footprint;
                // The result comes with the next tick; a stuck guest never answers.
                note_ordered(state_, {order.guest, layer.layer}, layer.target.footprint,
                             now_ + (guest.nature == Nature::stuck ? 6s : 1s));
            }
            ++orders_;
            moved_ += order.shrink_by;
        }
    }

    HostRules rules_;
    std::vector<SimGuest> guests_;
    HostState state_;
    TimePoint now_ = kStart;
    std::mt19937 random_;
};

SimGuest busy(std::string name, double k = 1e8) {
    SimGuest guest;
    guest.name = std::move(name);
    guest.k = k;
    guest.wants = 2_GiB;
    return guest;
}

SimGuest idle(std::string name, Bytes footprint) {
    SimGuest guest;
    guest.name = std::move(name);
    guest.footprint = guest.wants = footprint;
    return guest;
}

TEST(Simulation, TheBusyGuestGetsWhatTheIdleOnesHold) {
    SimHost host(rules_for(2_GiB, 256_MiB), {idle("a", 600_MiB), idle("b", 600_MiB), busy("c")});
    host.run(1min);
    EXPECT_GT(host.guest(2).footprint, 1_GiB);
    EXPECT_LT(host.guest(0).footprint, 150_MiB);
    EXPECT_LE(host.worst_, 2_GiB);
}

TEST(Simulation, TheBudgetHoldsWhileRolesChangeEveryFewSeconds) {
    SimHost host(rules_for(2_GiB, 256_MiB), {busy("a"), idle("b", 300_MiB), idle("c", 300_MiB), busy("d", 1e7)}, 5);
    std::mt19937 random(9);
    for (int round = 0; round < 400; ++round) {
        for (std::size_t i = 0; i < 4; ++i) {
            const bool works = std::uniform_int_distribution<int>(0, 1)(random) == 1;
            host.guest(i).k = works ? 1e8 : 0;
            host.guest(i).wants = works ? 2_GiB : host.guest(i).footprint;
        }
        host.run(7s);
    }
    EXPECT_LE(host.worst_, 2_GiB);
    EXPECT_LE(saturating_sub(host.worst_, 1792_MiB), 64_MiB) << "beyond the capacity only noise may go, into the reserve";
}

TEST(Simulation, NothingSwingsUnderConstantLoadForHours) {
    SimHost host(rules_for(3_GiB, 256_MiB), {busy("a", 1e8), busy("b", 2e8), busy("c", 4e7), idle("d", 400_MiB)}, 3);
    host.run(10min);
    const std::size_t orders = host.orders_;
    const Bytes moved = host.moved_;
    host.run(6h);
    EXPECT_LE(host.orders_ - orders, 60U) << "in 21,600 ticks with reports that are 20 % off";
    EXPECT_LE(saturating_sub(host.moved_, moved), 1_GiB);
}

TEST(Simulation, ASlowGuestIsWaitedForAndNothingIsGivenTwice) {
    SimGuest slow = idle("slow", 1_GiB);
    slow.nature = Nature::slow;
    SimHost host(rules_for(2_GiB, 256_MiB), {slow, busy("c")});
    host.run(2min);
    EXPECT_LE(host.worst_, 1792_MiB + 32_MiB);
    EXPECT_GT(host.guest(1).footprint, 1_GiB);
}

TEST(Simulation, AStuckGuestDoesNotMakeTheOthersSwing) {
    SimGuest stuck = idle("stuck", 800_MiB);
    stuck.nature = Nature::stuck;
    SimHost host(rules_for(2_GiB, 256_MiB), {stuck, busy("a"), busy("b")});
    host.run(2min);
    const Bytes moved = host.moved_;
    const std::size_t orders = host.orders_;
    host.run(1h);
    EXPECT_LE(host.worst_, 2_GiB);
    EXPECT_LE(host.orders_ - orders, 200U) << "it is tried again once a minute; the others stay";
    EXPECT_LE(host.guest(1).footprint + host.guest(2).footprint, 1000_MiB);
    static_cast<void>(moved);
}

TEST(Simulation, ADeadGuestsMemoryIsNotGivenAway) {
    SimHost host(rules_for(2_GiB, 256_MiB), {idle("dead", 700_MiB), busy("a")});
    host.run(3s);
    host.guest(0).nature = Nature::dead;
    const Bytes left = host.guest(0).footprint;
    host.run(10min);
    EXPECT_LE(host.guest(1).footprint + left, 1792_MiB);
    EXPECT_LE(host.worst_, 2_GiB);
}

TEST(Simulation, AnIdleGuestThatWakesHasItsMemoryBackWithinSeconds) {
    SimHost host(rules_for(2_GiB, 256_MiB), {idle("a", 300_MiB), busy("b")});
    host.run(1min);
    host.guest(0).k = 4e8;
    host.guest(0).wants = 2_GiB;
    host.run(5s);
    EXPECT_GT(host.guest(0).footprint, 700_MiB);
}

}  // namespace
}  // namespace aerostat::host
