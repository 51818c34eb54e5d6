#include "jvm-agent/sense/load_meter.h"

#include <cmath>

namespace aerostat::agent {
namespace {

constexpr Duration kShortest = std::chrono::milliseconds(100);
constexpr double kLately = 2;
constexpr double kUsually = 120;

void blend(double& average, double value, double seconds, double memory) {
    average += (1 - std::exp(-seconds / memory)) * (value - average);
}

/// What was allocated between two samples: what is there more, plus what collections have freed.
double allocated(const LoadMeter::Counters& before, const LoadMeter::Counters& after) {
    const double all = after.heap.used.as_double() - before.heap.used.as_double() + after.heap.freed.as_double() -
                       before.heap.freed.as_double() - (after.inflated.as_double() - before.inflated.as_double());
    return all > 0 ? all : 0;
}

}  // namespace

void LoadMeter::sample(const Counters& now_at, TimePoint now) {
    if (started_ && now - at_ < kShortest) return;
    if (started_) {
        const double seconds = to_seconds(now - at_);
        const double gc = to_seconds(now_at.gc.all - last_.gc.all) / seconds;
        blend(alloc_, allocated(last_, now_at) / seconds, seconds, kLately);
        blend(agent_, to_seconds(now_at.own_cpu - last_.own_cpu) / seconds, seconds, kLately);
        blend(refill_, (now_at.refilled.as_double() - last_.refilled.as_double()) / seconds, seconds, kLately);
        blend(gc_.now, gc, seconds, kLately);
        if (!now_at.balloon_held) blend(gc_.usual, gc, seconds, kUsually);
        marking_ = now_at.gc.concurrent != last_.gc.concurrent;
    }
    started_ = true;
    at_ = now;
    last_ = now_at;
}

}  // namespace aerostat::agent
