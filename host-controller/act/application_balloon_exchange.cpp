#include <algorithm>
#include <utility>

#include "contract/names.h"
#include "host-controller/act/application_balloons.h"

// What is said to the two ends on the way to a target, and what becomes of it when they do not answer.
namespace aerostat::host::act {
namespace {

using namespace balloon;

constexpr std::uint32_t kBatch = kMostUnpunched.count() / kPiece.count();
constexpr Duration kGuestWithin = std::chrono::seconds(10);  // it may be stopped, and it writes 64 MiB twice
constexpr Duration kPunchedWithin = std::chrono::seconds(8);
constexpr std::string_view kDomain = "domain:";
constexpr const char* kSwitchedOff = "its application balloon is switched off";

std::string domain_of(const GuestId& guest) { return guest.substr(guest.starts_with(kDomain) ? kDomain.size() : 0); }

/// What was answered, if it is that; else why not.
template <class Wanted>
Result<Wanted> as(Result<BalloonAnswer> answer) {
    if (!answer) return tl::unexpected(answer.error());
    if (auto* wanted = std::get_if<Wanted>(&*answer)) return std::move(*wanted);
    if (const auto* refused = std::get_if<Refused>(&*answer)) return fail(refused->code, refused->why);
    return fail(ErrorCode::bad_value, "the guest's balloon answered something else");
}

}  // namespace

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

}  // namespace aerostat::host::act
