#include "host-controller/sim/watch.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace aerostat::host::sim {
namespace {

constexpr Bytes kPage{4096};
constexpr Duration kHungryFor = std::chrono::minutes(1);
constexpr Duration kSwing = std::chrono::minutes(5);
constexpr Bytes kNothing{4ULL << 20};
constexpr Duration kPesterWithin = std::chrono::minutes(1);
constexpr std::size_t kPester = 4;
constexpr double kSameLoad = 0.05;
constexpr double kJump = 0.3;

std::string time_of(TimePoint now) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - kMidnight).count();
    return fmt::format("day {} {:02}:{:02}:{:02}", seconds / 86400 + 1, seconds / 3600 % 24, seconds / 60 % 60,
                       seconds % 60);
}

}  // namespace

const char* to_string(Invariant invariant) {
    switch (invariant) {
        case Invariant::capacity:
            return "capacity";
        case Invariant::booking:
            return "booking";
        case Invariant::minimum:
            return "minimum";
        case Invariant::starvation:
            return "starvation";
        case Invariant::swinging:
            return "swinging";
        case Invariant::pestering:
            return "pestering";
    }
    return "";
}

void Watch::note(Invariant which, TimePoint now, const std::string& what) {
    Violation& violation = violations_[static_cast<std::size_t>(which)];
    if (violation.times++ == 0) violation.first = time_of(now) + ": " + what;
}

void Watch::look(const HostPlan& plan, const std::vector<Guest>& guests, TimePoint now) {
    check_capacity(guests, now);
    note_events(guests, now);
    for (const Guest& guest : guests) {
        if (guest.here()) check_starvation(guest, now);
    }
    if (plan.orders.empty()) return;
    std::map<GuestId, const Guest*> known;
    for (const Guest& guest : guests) known[guest.id()] = &guest;
    std::map<GuestId, const GuestPlan*> planned;
    for (const GuestPlan& one : plan.guests) planned[one.guest] = &one;
    Bytes raised;
    bool urgent = false;
    for (const GuestOrder& order : plan.orders) {
        const Guest& guest = *known.at(order.guest);
        urgent = urgent || order.urgent;
        for (const LayerOrder& layer : order.layers)
            raised += saturating_sub(layer.target.footprint, std::max(layer.from, guest.layer(layer.layer)->footprint));
        check_order(order, guest, *planned.at(order.guest), now);
    }
    check_booking(plan, raised, urgent, now);
}

// What moves memory for a reason; a load that rises over hours is none.
void Watch::note_events(const std::vector<Guest>& guests, TimePoint now) {
    const bool first = sights_.empty();
    sights_.resize(guests.size());
    for (std::size_t i = 0; i < guests.size(); ++i) {
        const Sight seen{guests[i].here(), guests[i].odd(), guests[i].load()};
        Sight& before = sights_[i];
        if (!first && (seen.here != before.here || seen.odd != before.odd || std::abs(seen.load - before.load) >= kJump))
            last_event_ = now;
        before = seen;
    }
}

void Watch::check_capacity(const std::vector<Guest>& guests, TimePoint now) {
    Bytes resident;
    for (const Guest& guest : guests) resident += guest.resident();
    if (resident > rules_.memory) note(Invariant::capacity, now, format_bytes(resident) + " are held");
}

// What raises entitle to, beyond what is held or was promised before, must fit the capacity; urgent ones may use the
// reserve.
void Watch::check_booking(const HostPlan& plan, Bytes raised, bool urgent, TimePoint now) {
    const Bytes limit = std::max(urgent ? rules_.memory : rules_.capacity(), plan.held);
    // A first target where a layer is now is no raise, but is rounded up to a page.
    const Bytes rounding = kPage * (2 * plan.layers.size());
    if (raised > rounding && plan.held + raised > limit + rounding)
        note(Invariant::booking, now,
             fmt::format("{} raised beyond {} booked", format_bytes(raised), format_bytes(plan.held)));
}

void Watch::check_order(const GuestOrder& order, const Guest& guest, const GuestPlan& planned, TimePoint now) {
    const auto limits = rules_.limits_for(guest.name());
    const GuestSeen seen = guest.seen();
    Bytes sum = seen.fixed;
    bool shrinks = false;
    for (const LayerSeen& layer : seen.layers) {
        const auto ordered = std::find_if(order.layers.begin(), order.layers.end(),
                                          [&](const LayerOrder& one) { return one.layer == layer.name; });
        if (ordered == order.layers.end()) {
            sum += std::max(layer.footprint, layer.target.value_or(Bytes()));
            continue;
        }
        const Bytes target = ordered->target.footprint;
        const bool down = target < std::min(layer.footprint, layer.target.value_or(layer.footprint));
        shrinks = shrinks || down;
        sum += target;
        if (down && target + kPage < layer.floor)
            note(Invariant::minimum, now, guest.name() + "/" + layer.name + " below its floor");
        check_course(*ordered, guest, now);
    }
    const Bytes min = limits ? limits->min.value_or(Bytes()) : Bytes();
    if (shrinks && sum + kPage * (seen.layers.size() + 1) < std::min(min, planned.held))
        note(Invariant::minimum, now, fmt::format("{} to {}", guest.name(), format_bytes(sum)));
}

void Watch::check_course(const LayerOrder& order, const Guest& guest, TimePoint now) {
    const Layer& layer = *guest.layer(order.layer);
    const Bytes before = layer.target.value_or(layer.footprint);
    const Bytes target = order.target.footprint;
    const int direction = target < before ? -1 : target > before ? 1 : 0;
    Course& course = courses_[{guest.id(), order.layer}];
    check_pestering(course, order, guest, now);
    if (direction == 0 || direction == course.direction) return;
    const bool same_load = std::abs(guest.load() - course.load_then) < kSameLoad;
    const bool calm = last_event_ < course.turned_down;
    if (direction < 0 && course.direction > 0 && now - course.turned_down < kSwing && same_load && calm && !layer.in_need &&
        guest.nature() == Nature::ideal) {
        note(Invariant::swinging, now, fmt::format("{}/{} to {}", guest.name(), order.layer, format_bytes(target)));
    }
    if (direction < 0) {
        course.turned_down = now;
        course.load_then = guest.load();
    }
    course.direction = direction;
}

// An order counts when the next one comes: by then it has shown what it brings.
void Watch::check_pestering(Course& course, const LayerOrder& order, const Guest& guest, TimePoint now) {
    const Bytes holds = guest.layer(order.layer)->footprint;
    if (order.target.footprint + kNothing >= holds) return;
    if (course.told_with && holds + kNothing > *course.told_with) course.vain_since.push_back(now);
    course.told_with = holds;
    std::erase_if(course.vain_since, [&](TimePoint at) { return now - at >= kPesterWithin; });
    if (course.vain_since.size() >= kPester)
        note(Invariant::pestering, now,
             fmt::format("{}/{} to {}", guest.name(), order.layer, format_bytes(order.target.footprint)));
}

void Watch::check_starvation(const Guest& guest, TimePoint now) {
    bool hungry = false;
    for (const char* name : {"heap", "cache"}) {
        const Layer* layer = guest.layer(name);
        hungry = hungry || (layer && (layer->in_need || layer->out_of_memory));
    }
    if (!hungry || !guest.seen().connected) {
        hungry_.erase(guest.id());
        return;
    }
    const auto since = hungry_.emplace(guest.id(), now).first->second;
    if (now - since >= kHungryFor) note(Invariant::starvation, now, guest.name() + " has less than it cannot do without");
}

}  // namespace aerostat::host::sim
