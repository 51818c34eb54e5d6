#include "application-balloon/guest/app/balloon.h"

#include <algorithm>

namespace aerostat::balloon::guest {
namespace {

Refused refuse(RequestId id, const Error& why) { return Refused{id, why.code, why.message}; }

}  // namespace

BalloonAnswer Balloon::answer(const BalloonRequest& request) {
    return std::visit([this](const auto& order) { return carry_out(order); }, request);
}

BalloonAnswer Balloon::carry_out(const AskState& ask) const {
    return State{ask.id, ports_.source ? ports_.source->name() : "none", secret_,
                 static_cast<std::uint32_t>(holding_.settled()), static_cast<std::uint32_t>(holding_.unsettled())};
}

// Fewer pieces than may be taken are no failure: the kernel had no more whole frames.
BalloonAnswer Balloon::carry_out(const Inflate& inflate) {
    if (!ports_.source) return Refused{inflate.id, ErrorCode::unsupported, ports_.why_not};
    const auto memory = ports_.memory();
    if (!memory) return refuse(inflate.id, memory.error());
    const auto allowed = pieces_allowed(inflate.pieces, holding_.unsettled(), *memory, ports_.reserve);
    if (!allowed) return refuse(inflate.id, allowed.error());
    Told told{inflate.id, {}};
    while (told.frames.size() < *allowed) {
        const auto piece = ports_.source->take();
        if (!piece && told.frames.empty()) return refuse(inflate.id, piece.error());
        if (!piece) break;
        write_pattern(piece->memory, secret_, piece->frame);
        holding_.told(piece->slot, piece->frame);
        told.frames.push_back(piece->frame);
    }
    std::sort(told.frames.begin(), told.frames.end());
    return told;
}

BalloonAnswer Balloon::carry_out(const Settle& settle) {
    const auto back = holding_.settle(settle.taken);
    if (!back) return refuse(settle.id, back.error());
    return give_back(settle.id, *back);
}

BalloonAnswer Balloon::carry_out(const Deflate& deflate) {
    if (deflate.pieces >= holding_.all()) return Done{deflate.id, release()};
    return give_back(deflate.id, holding_.take_out(deflate.pieces));
}

Done Balloon::give_back(RequestId id, const std::vector<Holding::Slot>& slots) {
    for (const Holding::Slot slot : slots) ports_.source->give_back(slot);
    return Done{id, static_cast<std::uint32_t>(slots.size())};
}

std::uint32_t Balloon::release() {
    if (!ports_.source) return 0;
    const auto all = holding_.take_out(holding_.all());
    ports_.source->give_all_back();
    return static_cast<std::uint32_t>(all.size());
}

}  // namespace aerostat::balloon::guest
