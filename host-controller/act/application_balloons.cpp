#include "host-controller/act/application_balloons.h"

#include <algorithm>
#include <utility>

#include "contract/names.h"

namespace aerostat::host::act {
namespace {

using namespace balloon;

constexpr std::uint32_t kBatch = kMostUnpunched.count() / kPiece.count();
constexpr Duration kGuestWithin = std::chrono::seconds(10);  // it may be stopped, and it writes 64 MiB twice
constexpr Duration kPunchedWithin = std::chrono::seconds(8);
constexpr Duration kStopIsHeardWithin = std::chrono::seconds(10);  // libvirt's calls may take as long
constexpr Duration kTellsWithin = std::chrono::seconds(30);
constexpr Duration kHandsBackEvery = std::chrono::seconds(10);
constexpr std::string_view kDomain = "domain:";
constexpr const char* kSwitchedOff = "its application balloon is switched off";
constexpr const char* kNotTold = "its guestd has not told of its aerostat-balloon yet";

std::string domain_of(const GuestId& guest) { return guest.substr(guest.starts_with(kDomain) ? kDomain.size() : 0); }

std::uint32_t pieces_in(Bytes amount) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(amount.count() / kPiece.count(), kEndOfFrames));
}

/// What was answered, if it is that; else why not.
template <class Wanted>
Result<Wanted> as(Result<BalloonAnswer> answer) {
    if (!answer) return tl::unexpected(answer.error());
    if (auto* wanted = std::get_if<Wanted>(&*answer)) return std::move(*wanted);
    if (const auto* refused = std::get_if<Refused>(&*answer)) return fail(refused->code, refused->why);
    return fail(ErrorCode::bad_value, "the guest's balloon answered something else");
}

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

// The next exchange on the way to what is wanted.
void ApplicationBalloons::advance(const GuestId& id) {
    Guest* guest = find(id);
    if (!guest || guest->exchange != 0 || guest->relief != 0 || !guest->wanted || !guest->state) return;
    const std::uint32_t held = guest->state->held;
    if (*guest->wanted == held) return guest->wanted.reset();
    guest->exchange = next_exchange_++;
    guest->gives = *guest->wanted < held;
    if (guest->gives) return deflate(id, held - *guest->wanted);
    if (!ports_.is_on(id)) return stop(id, {ErrorCode::denied, kSwitchedOff});
    if (const std::string why = ports_.why_frozen(id); !why.empty()) return stop(id, {ErrorCode::denied, why});
    inflate(id, std::min(*guest->wanted - held, kBatch));
}

void ApplicationBalloons::inflate(const GuestId& id, std::uint32_t pieces) {
    ask(id, Inflate{0, pieces}, [this, id, pieces](Result<BalloonAnswer> answer) {
        const auto told = as<Told>(std::move(answer));
        if (!told) return stop(id, told.error());
        if (told->frames.empty() || told->frames.size() > pieces)
            return settle(id, {},
                          Error{ErrorCode::bad_value, "the guest's balloon told not as many pieces as were asked for"});
        const Guest* guest = find(id);
        const bool still = ports_.is_on(id) && guest && guest->state && guest->wanted && *guest->wanted > guest->state->held;
        still ? punch(id, told->frames) : settle(id, {}, std::nullopt);
    });
}

void ApplicationBalloons::punch(const GuestId& id, const Frames& told) {
    if (const std::string why = ports_.why_frozen(id); !why.empty()) return settle(id, {}, Error{ErrorCode::denied, why});
    const PunchOrder order{next_id_++, ports_.clock.now() + kPunchedWithin, domain_of(id), find(id)->state->secret, told};
    find(id)->punched_until = TimePoint::max();
    ports_.punch(order, [this, alive = alive_, id, count = told.size(),
                         exchange = find(id)->exchange](const Result<PunchAnswer>& answer) {
        const Guest* guest = *alive ? find(id) : nullptr;
        if (guest && guest->exchange == exchange) punched(id, count, answer);
    });
}

void ApplicationBalloons::punched(const GuestId& id, std::size_t told, const Result<PunchAnswer>& answer) {
    find(id)->punched_until = ports_.clock.now();
    if (!answer) return settle(id, {}, Error{ErrorCode::unsupported, "no aerostat-punch: " + answer.error().message});
    if (const auto* refused = std::get_if<Refused>(&*answer)) {
        const bool never = refused->code == ErrorCode::unsupported;
        return settle(id, {}, Error{never ? refused->code : ErrorCode::denied, "aerostat-punch: " + refused->why});
    }
    const auto& done = std::get<Punched>(*answer);
    if (!done.taken.empty()) return settle(id, done.taken, std::nullopt);
    settle(id, {}, Error{ErrorCode::denied, "none of " + std::to_string(told) + " pieces carried the balloon's pattern"});
}

void ApplicationBalloons::settle(const GuestId& id, Frames taken, std::optional<Error> why) {
    const auto count = static_cast<std::uint32_t>(taken.size());
    ask(id, Settle{0, std::move(taken)}, [this, id, count, why = std::move(why)](Result<BalloonAnswer> answer) {
        const auto done = as<Done>(std::move(answer));
        if (!done) return stop(id, done.error());
        Guest& guest = *find(id);
        if (guest.state) guest.state->held += count;
        if (why) return stop(id, *why);
        guest.exchange = 0;
        advance(id);
    });
}

void ApplicationBalloons::deflate(const GuestId& id, std::uint32_t pieces) {
    ask(id, Deflate{0, pieces}, [this, id](Result<BalloonAnswer> answer) {
        const auto done = as<Done>(std::move(answer));
        if (!done) return stop(id, done.error());
        if (done->pieces == 0) return stop(id, {ErrorCode::io, "the guest's balloon gave nothing back"});
        Guest& guest = *find(id);
        if (guest.state) guest.state->held -= std::min(guest.state->held, done->pieces);
        guest.exchange = 0;
        advance(id);
    });
}

// Beside the exchange under way, which may take long: the guest is in need of what it holds already. Of what was told but
// not taken it gives back nothing by this; the exchange does that, as it finds a new target.
void ApplicationBalloons::relieve(const GuestId& id) {
    Guest& guest = *find(id);
    if (guest.gives || guest.relief != 0 || *guest.wanted >= guest.state->held) return;
    const RequestId number = guest.relief = next_id_++;
    std::string line = line_of(BalloonRequest(Deflate{number, guest.state->held - *guest.wanted}));
    line.pop_back();
    const Duration within = ports_.tell(id, line) ? kGuestWithin : Duration::zero();
    ports_.later(within, [this, alive = alive_, id, number] {
        const Guest* asked = *alive ? find(id) : nullptr;
        if (asked && asked->relief == number) relieved(id, Bytes());
    });
}

void ApplicationBalloons::relieved(const GuestId& id, Bytes back) {
    Guest& guest = *find(id);
    guest.relief = 0;
    if (guest.state) guest.state->held -= std::min(guest.state->held, pieces_in(back));
    advance(id);
}

void ApplicationBalloons::ask(const GuestId& id, BalloonRequest request, Heard heard) {
    Guest& guest = *find(id);
    const RequestId number = guest.waits_for = next_id_++;
    std::visit([number](auto& one) { one.id = number; }, request);
    guest.on_answer = std::move(heard);
    std::string line = line_of(request);
    line.pop_back();
    const bool said = ports_.tell(id, line);
    const Error why = said ? Error{ErrorCode::timed_out, "the guest's balloon does not answer"}
                           : Error{ErrorCode::disconnected, "the guest cannot be reached"};
    ports_.later(said ? kGuestWithin : Duration::zero(), [this, alive = alive_, id, number, why] {
        const Guest* asked = *alive ? find(id) : nullptr;
        if (asked && asked->waits_for == number) answered(id, tl::unexpected(why));
    });
}

void ApplicationBalloons::answered(const GuestId& id, Result<BalloonAnswer> answer) {
    Guest& guest = *find(id);
    guest.waits_for = 0;
    const Heard heard = std::exchange(guest.on_answer, nullptr);
    heard(std::move(answer));
}

// What is told but not settled goes back to the guest when it next tells how it stands.
void ApplicationBalloons::stop(const GuestId& id, Error why) {
    Guest& guest = *find(id);
    guest.exchange = 0;
    // A guest in need was promised its memory meanwhile: that taking has failed is no reason to keep it.
    if (!guest.gives && guest.state && guest.wanted && *guest.wanted < guest.state->held) return advance(id);
    guest.wanted.reset();
    why.message = printable(why.message);
    guest.stopped = std::move(why);
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
