#include "host-controller/sim/guest.h"

#include <algorithm>
#include <cmath>

#include "host-controller/sim/chance.h"

namespace aerostat::host::sim {
namespace {

constexpr const char* kHeap = "heap";
constexpr const char* kCache = "cache";
constexpr double kLie = 50;
constexpr Duration kAwayFor = std::chrono::minutes(10);
constexpr Duration kSilentFor = std::chrono::seconds(30);
constexpr Duration kMovesFor = std::chrono::minutes(1);
constexpr Duration kMeasuredOver = std::chrono::minutes(1);  // agents measure what collections cost over about so long
constexpr double kNewLoad = 0.05;                            // and notice a change of load sooner
constexpr Bytes kAny{64ULL << 30};

std::uint64_t hash_of(const std::string& text) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return hash;
}

LayerSeen seen_of(const Layer& layer, const char* name, LayerKind kind) {
    LayerSeen seen;
    seen.name = name;
    seen.kind = kind;
    seen.from_inside = kind == LayerKind::guest_os;
    seen.footprint = layer.footprint;
    seen.floor = std::min(layer.curve.floor(), layer.ceiling);
    seen.ceiling = layer.ceiling;
    seen.curve = layer.curve;
    if (layer.target && *layer.target < layer.ceiling) seen.target = layer.target;
    seen.distress = layer.in_need;
    return seen;
}

}  // namespace

Guest::Guest(const GuestGroup& group, std::uint32_t index, std::uint64_t seed, double noise)
    : group_(group), index_(index), seed_(seed ^ hash_of(group.name)), noise_(noise) {
    name_ = group.name + "-" + std::to_string(index + 1);
    if (group_.heap) heap_.ceiling = group_.heap->max;
    if (group_.cache) cache_.ceiling = group_.cache->working_set;
    start_anew();
}

void Guest::start_anew() {
    id_ = "sim:" + name_ + ":" + std::to_string(generation_++);
    for (Layer* one : {&heap_, &cache_}) {
        one->footprint = one->live = Bytes();
        one->target.reset();
        one->curve_load = -1;
    }
    here_ = connected_ = true;
    hands_off_ = false;
    began_.reset();
}

Guest::Phase Guest::phase(Duration at) const {
    if (group_.nature == Nature::ideal || at < group_.from) return {};
    Duration since = at - group_.from;
    if (group_.every) since = since % *group_.every;
    const bool leaves = group_.nature == Nature::dying || group_.nature == Nature::migrating;
    const auto lasts = group_.lasts ? group_.lasts : leaves ? std::optional(kAwayFor) : std::nullopt;
    return {!lasts || since < *lasts, since};
}

bool Guest::come_and_go(Duration at) {
    const Phase now = phase(at);
    odd_ = now.odd;
    const bool dies = group_.nature == Nature::dying;
    if (!dies && group_.nature != Nature::migrating) return false;
    if (!now.odd) {
        if (!here_) start_anew();
        hands_off_ = false;
        return false;
    }
    connected_ = connected_ && !dies;
    hands_off_ = !dies;
    const bool gone = here_ && now.since >= (dies ? kSilentFor : kMovesFor);
    here_ = here_ && !gone;
    return gone;
}

bool Guest::advance(Duration at, Duration step) {
    const bool gone = come_and_go(at);
    if (!here_) return gone;
    if (!began_) began_ = at;
    age_ = at - *began_;
    load_ = load_at(group_.load, at, index_, group_.count, seed_);
    Speed speed;
    if (odd_ && group_.nature == Nature::slow) speed.gives = Bytes(20ULL << 20);
    if (odd_ && group_.nature == Nature::stuck) speed.gives = Bytes();
    if (odd_ && group_.nature == Nature::firm) speed.keeps = Bytes(200ULL << 20);
    if (group_.heap) sim::advance(heap_, *group_.heap, load_, step, speed);
    if (group_.cache) sim::advance(cache_, *group_.cache, load_, step, speed);
    refresh_curves(at, odd_);
    return false;
}

// A report's figures are an average over a minute, and off by the noise.
void Guest::refresh_curves(Duration at, bool odd) {
    const auto minute = static_cast<std::uint64_t>(at / kMeasuredOver);
    const double lie = odd && group_.nature == Nature::lying ? kLie : 1;
    const auto refresh = [&](Layer& layer, const auto& model, std::uint64_t salt) {
        const double noise = 1 + noise_ * (2 * chance(seed_ + salt, index_, minute) - 1);
        const bool is_news = std::abs(load_ - layer.curve_load) >= kNewLoad || layer.live != layer.curve_live;
        if (noise == layer.noise && !is_news) return;
        layer.noise = noise;
        layer.curve_load = load_;
        layer.curve_live = layer.live;
        layer.curve = curve_of(layer, model, load_, noise * lie);
    };
    if (group_.heap) refresh(heap_, *group_.heap, 1);
    if (group_.cache) refresh(cache_, *group_.cache, 2);
}

void Guest::fix_ceiling(const std::string& layer, Bytes ceiling) {
    if (layer != kHeap || !group_.heap) return;
    heap_.ceiling = std::min(heap_.ceiling, ceiling);
    heap_.curve_load = -1;
}

void Guest::take(const LayerOrder& order) {
    if (!connected_) return;
    (order.layer == kHeap ? heap_ : cache_).target = order.target.footprint;
}

GuestSeen Guest::seen() const {
    GuestSeen guest;
    guest.id = id_;
    guest.name = name_;
    guest.connected = connected_;
    guest.hands_off = hands_off_;
    guest.charged = resident();
    guest.fixed = group_.fixed;
    if (group_.heap) {
        LayerSeen heap = seen_of(heap_, kHeap, LayerKind::java_heap);
        heap.known_for = age_;
        heap.curve_seen = std::min(age_, kMeasuredOver);
        guest.layers.push_back(std::move(heap));
    }
    if (group_.cache) guest.layers.push_back(seen_of(cache_, kCache, LayerKind::guest_os));
    return guest;
}

GuestSeen Guest::seen_at_full_load() const {
    Guest busy = *this;
    busy.load_ = group_.load.level;
    if (group_.heap) sim::advance(busy.heap_, *group_.heap, busy.load_, std::chrono::seconds(1), {kAny});
    if (group_.cache) sim::advance(busy.cache_, *group_.cache, busy.load_, std::chrono::seconds(1), {kAny});
    busy.refresh_curves(Duration(), false);
    busy.age_ = kMeasuredOver;
    return busy.seen();
}

Bytes Guest::resident() const { return here_ ? group_.fixed + heap_.footprint + cache_.footprint : Bytes(); }

double Guest::cost() const { return here_ ? heap_.cost + cache_.cost : 0; }

const Layer* Guest::layer(const std::string& name) const {
    if (name == kHeap && group_.heap) return &heap_;
    return name == kCache && group_.cache ? &cache_ : nullptr;
}

}  // namespace aerostat::host::sim
