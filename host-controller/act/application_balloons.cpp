#include "host-controller/act/application_balloons.h"

#include <algorithm>
#include <utility>

#include "contract/names.h"

namespace aerostat::host::act {
namespace {

using namespace balloon;

constexpr Duration kStopIsHeardWithin = std::chrono::seconds(10);  // libvirt's calls may take as long
constexpr Duration kTellsWithin = std::chrono::seconds(30);
constexpr Duration kHandsBackEvery = std::chrono::seconds(10);
constexpr const char* kNotTold = "its guestd has not told of its aerostat-balloon yet";

/// `unsupported`: a balloon that cannot be moved is no reason to keep a heap small.
template <class Guest>
tl::unexpected<Error> unmoved(const Guest& guest) {
    return fail(ErrorCode::unsupported, guest.trouble.message);
}

std::optional<RequestId> id_of(const BalloonAnswer& answer) {
    return std::visit(
        [](const auto& one) -> std::optional<RequestId> {
            if constexpr (requires { one.id; }) return one.id;
            return std::nullopt;
        },
        answer);
}

}  // namespace

ApplicationBalloons::Guest* ApplicationBalloons::find(const GuestId& id) {
    const auto found = guests_.find(id);
    return found == guests_.end() ? nullptr : &found->second;
}

// Also one that was switched off in our time while it holds something. What a guest says of itself that nobody has switched
// on moves no figure: it could say that it holds all that its virtio balloon is to take.
bool ApplicationBalloons::is_used(const GuestId& id) const {
    if (ports_.is_on(id)) return true;
    const auto known = guests_.find(id);
    return known != guests_.end() && known->second.was_on && known->second.state && known->second.state->held != 0;
}

void ApplicationBalloons::look(const GuestId& guest, std::function<void(Result<OsBalloon>)> answer) {
    if (!is_used(guest)) return ports_.virtio.look(guest, std::move(answer));
    ports_.virtio.look(guest, [this, alive = alive_, guest, answer = std::move(answer)](const Result<OsBalloon>& seen) {
        if (!*alive) return;
        if (seen) return looked(guest, *seen, answer);
        const auto ram = seen.error().code == ErrorCode::unsupported ? ports_.ram_of(guest) : std::nullopt;
        if (!ram) return answer(seen);
        const Guest& known = guests_[guest];
        if (!known.state && known.held_before == 0) return answer(unmoved(known));
        OsBalloon none;  // no virtio-balloon, or none that may be moved
        none.maximum = none.actual = *ram;
        looked(guest, none, answer);
    });
}

void ApplicationBalloons::looked(const GuestId& id, OsBalloon seen, const std::function<void(Result<OsBalloon>)>& answer) {
    Guest& guest = guests_[id];
    guest.virtio = seen.actual;
    if (is_yet_to_tell(guest)) return answer(unmoved(guest));
    seen.actual = saturating_sub(seen.actual, kPiece * (guest.state ? guest.state->held : guest.held_before));
    seen.stopped = guest.stopped;
    if (guest.state) {
        seen.grain = kPiece;
        seen.is_working = guest.exchange != 0;
    }
    answer(std::move(seen));
}

// Until it does, or has had time enough to, a figure of virtio-balloon's would later look like somebody else's order.
bool ApplicationBalloons::is_yet_to_tell(Guest& guest) const {
    if (guest.state || guest.held_before != 0 || guest.trouble.code != ErrorCode::disconnected) return false;
    const TimePoint now = ports_.clock.now();
    if (!guest.untold_since) guest.untold_since = now;
    return now - *guest.untold_since < kTellsWithin;
}

void ApplicationBalloons::set_target(const GuestId& id, Bytes actual, std::function<void(Status)> answer) {
    if (!is_used(id)) return ports_.virtio.set_target(id, actual, std::move(answer));
    Guest& guest = guests_[id];
    guest.stopped.reset();
    if (guest.state && guest.virtio) {
        guest.wanted = pieces_in(saturating_sub(*guest.virtio, actual));
        if (!ports_.is_on(id)) guest.wanted = std::min(*guest.wanted, guest.state->held);
        guest.exchange == 0 ? advance(id) : relieve(id);
    }
    if (guest.virtio && actual > *guest.virtio) return ports_.virtio.set_target(id, actual, std::move(answer));
    const Status known = guest.state && guest.virtio ? Status() : Status(unmoved(guest));
    ports_.later(Duration::zero(), [alive = alive_, known, answer = std::move(answer)] {
        if (*alive) answer(known);
    });
}

void ApplicationBalloons::heard(const GuestId& id, std::string_view line) {
    auto answer = parse_balloon_answer(line);
    if (!answer) {
        ++malformed_;
        return;
    }
    Guest& guest = guests_[id];
    const auto number = id_of(*answer);
    if (number && *number != 0) {
        const auto* done = std::get_if<Done>(&*answer);
        if (*number == guest.relief) return relieved(id, done ? kPiece * done->pieces : Bytes());
        if (*number == guest.waits_for) answered(id, std::move(answer));
        return;
    }
    if (const auto* state = std::get_if<State>(&*answer)) return take_state(id, guest, *state);
    if (const auto* refused = std::get_if<Refused>(&*answer)) {
        guest.state.reset();
        guest.held_before = 0;
        guest.trouble = {ErrorCode::unsupported, printable(refused->why)};
    }
    if (!std::holds_alternative<Released>(*answer) || !guest.state) return;
    guest.state->held = 0;
    guest.wanted.reset();
    guest.stopped = Error{ErrorCode::refused, "the guest stalled and took everything back"};
}

// While something is under way its own answers tell more.
void ApplicationBalloons::take_state(const GuestId& id, Guest& guest, const State& state) {
    if (guest.exchange != 0 && guest.state) return;
    if (state.method == "none") {
        guest.state.reset();
        guest.held_before = 0;
        guest.trouble = {ErrorCode::unsupported, "its aerostat-balloon has no way to hold memory; its log says why"};
        return;
    }
    guest.state = state;
    guest.was_on = guest.was_on || ports_.is_on(id);
    if (guest.exchange != 0) return;
    if (state.unsettled != 0) {
        guest.exchange = next_exchange_++;
        guest.gives = false;
        settle(id, {}, std::nullopt);
    } else if (!ports_.is_on(id) && state.held != 0) {
        hand_back(id);
    }
}

// Nobody wants it any more; as much as is free, one guest after the other, for what is free shows it only after a while.
void ApplicationBalloons::hand_back(const GuestId& id) {
    Guest& guest = guests_[id];
    const std::uint32_t most = pieces_in(ports_.free());
    const TimePoint now = ports_.clock.now();
    if (most == 0 || guest.wanted || (handed_back_at_ && now - *handed_back_at_ < kHandsBackEvery)) return;
    handed_back_at_ = now;
    guest.wanted = guest.state->held - std::min(guest.state->held, most);
    advance(id);
}

void ApplicationBalloons::link_changed(const GuestId& id) {
    Guest* guest = find(id);
    if (!guest) return;
    if (guest->state) guest->held_before = guest->state->held;
    guest->state.reset();
    guest->wanted.reset();
    guest->relief = 0;
    guest->untold_since.reset();
    guest->trouble = {ErrorCode::disconnected, kNotTold};
    if (guest->waits_for != 0) answered(id, fail(ErrorCode::disconnected, "the link to the guest was lost"));
}

void ApplicationBalloons::forget(const GuestId& id) { guests_.erase(id); }

std::optional<Bytes> ApplicationBalloons::less_held(const GuestId& id, Bytes actual) const {
    if (!is_used(id)) return actual;
    const auto known = guests_.find(id);
    if (known == guests_.end() || !known->second.state) return std::nullopt;
    return saturating_sub(actual, kPiece * known->second.state->held);
}

bool ApplicationBalloons::is_stopped_by_us(const GuestId& id) const {
    const auto known = guests_.find(id);
    if (known == guests_.end() || !known->second.punched_until) return false;
    const TimePoint until = *known->second.punched_until;
    return until == TimePoint::max() || ports_.clock.now() - until < kStopIsHeardWithin;
}

std::string ApplicationBalloons::trouble(const GuestId& id) const {
    const auto known = guests_.find(id);
    if (known == guests_.end()) return kNotTold;
    if (!known->second.state) return known->second.trouble.message;
    return known->second.stopped ? "the last order ended early: " + known->second.stopped->message : std::string();
}

}  // namespace aerostat::host::act
