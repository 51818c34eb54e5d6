#include "host-controller/decide/balloon_account.h"

#include <algorithm>

namespace aerostat::host {
namespace {

bool grows(const LayerOrder& order) { return order.target.footprint > order.from; }

Bytes sum_kept(const std::vector<LayerOrder>& layers, const auto& room_for) {
    Bytes sum;
    for (const LayerOrder& layer : layers) {
        if (grows(layer)) sum += saturating_sub(layer.target.footprint, room_for(layer));
    }
    return sum;
}

}  // namespace

bool shows_the_heap(const JvmOutcome& outcome) {
    const bool reached = outcome.reason != EndReason::disconnected && outcome.reason != EndReason::unsupported &&
                         outcome.reason != EndReason::paused;
    return reached && !outcome.before.is_zero();
}

Bytes told_to_come_to(const LayerOrder& order, const JvmOutcome& outcome) {
    if (outcome.after >= outcome.before) return order.target.footprint;
    return std::min(order.target.footprint, saturating_sub(outcome.before, outcome.asked));
}

std::string why_balloon_stays(const GuestSeen& guest, const std::vector<LayerOrder>& layers) {
    for (const LayerSeen& layer : guest.layers) {
        const bool is_named =
            std::any_of(layers.begin(), layers.end(), [&](const LayerOrder& one) { return one.layer == layer.name; });
        if (is_named && !layer.can_hold)
            return "the OS balloon stays: nothing holds " + layer.name + " at its target (levers only)";
    }
    return {};
}

OsLayerShare os_layer_share(const GuestSeen& guest, Bytes actual, const LayerOrder& os) {
    Bytes heaps;
    for (const LayerSeen& layer : guest.layers) {
        if (layer.kind == LayerKind::java_heap)
            heaps += std::max(layer.footprint, std::min(layer.target.value_or(Bytes()), layer.ceiling));
    }
    const Bytes left = saturating_sub(actual, heaps);
    return {saturating_sub(left, os.target.footprint), saturating_sub(os.target.footprint, left)};
}

Bytes BalloonAccount::room_for(const LayerKey& heap, Bytes otherwise) const {
    const auto known = rooms_.find(heap);
    return known == rooms_.end() ? otherwise : known->second;
}

BalloonShare BalloonAccount::share(const GuestId& guest, const std::vector<LayerOrder>& layers) const {
    const auto room = [&](const LayerOrder& layer) { return room_for({guest, layer.layer}, layer.from); };
    Bytes shrink;
    for (const LayerOrder& layer : layers) {
        if (!grows(layer)) shrink += saturating_sub(room(layer), layer.target.footprint);
    }
    const Bytes raise = sum_kept(layers, room);
    return {saturating_sub(raise, shrink), shrink > raise, raise};
}

std::vector<BalloonAccount::Part> BalloonAccount::parts(const GuestId& guest, const std::vector<LayerOrder>& layers,
                                                        const std::vector<JvmOutcome>& ended) const {
    std::vector<Part> parts;
    for (const LayerOrder& layer : layers) {
        const auto end = std::find_if(ended.begin(), ended.end(), [&](const auto& jvm) { return jvm.jvm == layer.layer; });
        if (grows(layer) || end == ended.end() || !shows_the_heap(*end)) continue;
        const LayerKey heap{guest, layer.layer};
        const Bytes came_to = std::max(told_to_come_to(layer, *end), end->after);
        const Bytes room = room_for(heap, came_to + saturating_sub(end->before, end->after));
        parts.push_back({heap, room, saturating_sub(room, came_to)});
    }
    return parts;
}

Bytes BalloonAccount::due(const GuestId& guest, const std::vector<LayerOrder>& layers,
                          const std::vector<JvmOutcome>& ended) const {
    Bytes sum;
    for (const Part& part : parts(guest, layers, ended)) sum += part.amount;
    return saturating_sub(sum, share(guest, layers).keeps);
}

void BalloonAccount::took(const GuestId& guest, const std::vector<LayerOrder>& layers, const std::vector<JvmOutcome>& ended,
                          Bytes moved) {
    Bytes left = moved + share(guest, layers).keeps;
    for (const Part& part : parts(guest, layers, ended)) {
        const Bytes taken = std::min(left, part.amount);
        left = saturating_sub(left, taken);
        rooms_[part.heap] = saturating_sub(part.room, taken);
    }
    for (const LayerOrder& layer : layers) {
        if (!grows(layer)) continue;
        Bytes& room = rooms_[{guest, layer.layer}];
        room = std::max(room, layer.target.footprint);
    }
}

void BalloonAccount::gave(const GuestId& guest, const std::vector<LayerOrder>& layers, Bytes moved) {
    Bytes left = moved;
    for (const LayerOrder& layer : layers) {  // what the shrinking ones give up goes to the growing ones, too
        if (grows(layer)) continue;
        const Bytes room = room_for({guest, layer.layer}, layer.from);
        left += saturating_sub(room, layer.target.footprint);
        rooms_[{guest, layer.layer}] = std::min(room, layer.target.footprint);
    }
    for (const LayerOrder& layer : layers) {
        if (!grows(layer)) continue;
        const Bytes room = room_for({guest, layer.layer}, layer.from);
        const Bytes given = std::min(left, saturating_sub(layer.target.footprint, room));
        left = saturating_sub(left, given);
        rooms_[{guest, layer.layer}] = room + given;
    }
}

void BalloonAccount::helped(const LayerKey& heap, Bytes moved) {
    if (const auto known = rooms_.find(heap); known != rooms_.end()) known->second += moved;
}

void BalloonAccount::forget(const GuestId& guest) {
    std::erase_if(rooms_, [&](const auto& entry) { return entry.first.first == guest; });
}

}  // namespace aerostat::host
