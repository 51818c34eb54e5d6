#include "host-controller/decide/reservations.h"

#include <algorithm>
#include <utility>

namespace aerostat::host {
namespace {

constexpr Duration kLongestDeadline = std::chrono::hours(1);
constexpr Duration kLongestHold = std::chrono::hours(24);

ReservationVerdict refusal(const Reservation& one, EndReason reason, Bytes room, std::string detail) {
    const Bytes verified = std::min(room, one.wish.bytes);
    return {one, reason, verified, saturating_sub(one.wish.bytes, verified), std::move(detail)};
}

bool has_arrived(const Reservation& one) { return one.granted_at && one.outstanding().is_zero(); }

bool has_expired(const Reservation& one, TimePoint now) { return one.granted_at && now >= *one.granted_at + one.wish.hold; }

bool is_late(const Reservation& one, TimePoint now) { return now >= one.began + one.wish.deadline; }

}  // namespace

Result<std::string> Reservations::open(ReservationWish wish, TimePoint now) {
    if (wish.bytes.is_zero()) return fail(ErrorCode::bad_value, "reserve: how many bytes? (for example 2GiB)");
    if (wish.deadline <= Duration::zero() || wish.deadline > kLongestDeadline)
        return fail(ErrorCode::bad_value, "a deadline between 1 ms and 1 h is expected");
    if (wish.hold <= Duration::zero() || wish.hold > kLongestHold)
        return fail(ErrorCode::bad_value, "a reservation is held for 1 ms to 24 h");
    if (open_.size() >= kMost)
        return fail(ErrorCode::busy, "there are " + std::to_string(kMost) + " reservations already; see aerostatctl ops");
    Reservation one;
    one.id = "reserve~" + std::to_string(next_++);
    one.wish = std::move(wish);
    one.began = now;
    open_.push_back(std::move(one));
    return open_.back().id;
}

Bytes Reservations::outstanding() const {
    Bytes sum;
    for (const Reservation& one : open_) sum += one.outstanding();
    return sum;
}

// A guest that was seen and is gone has ended: what it held is no longer its own.
void Reservations::note_arrivals(const HostSnapshot& seen) {
    for (Reservation& one : open_) {
        if (one.wish.guest.empty()) continue;
        const auto guest =
            std::find_if(seen.guests.begin(), seen.guests.end(), [&](const GuestSeen& g) { return g.id == one.wish.guest; });
        one.arrived = guest == seen.guests.end() ? Bytes() : std::min(guest->charged, one.wish.bytes);
    }
}

std::vector<ReservationVerdict> Reservations::review(const ReservationSight& seen, TimePoint now) {
    note_arrivals(seen.seen);
    const bool sees_all = seen.cannot_judge.empty() && !seen.listing_owed;
    std::erase_if(open_, [&](const Reservation& one) { return has_arrived(one) || (sees_all && has_expired(one, now)); });
    Bytes room = saturating_sub(seen.capacity, seen.held);
    for (const Reservation& one : open_) {
        if (one.granted_at) room = saturating_sub(room, one.outstanding());
    }
    std::vector<ReservationVerdict> verdicts;
    for (Reservation& one : open_) {
        if (one.granted_at) continue;
        if (!seen.cannot_judge.empty()) {
            if (is_late(one, now))
                verdicts.push_back(refusal(one, EndReason::deadline, Bytes(), "not judged in time: " + seen.cannot_judge));
            continue;
        }
        // Where not all can be had, the one that came last is refused; the others are looked at again without it.
        // Only at first: while memory moves, what a heap has given counts as its guest's own until the balloon has taken it.
        // Nor while guests known from before a restart are still to say what they could give.
        const bool fits =
            seen.seen.settling || std::exchange(one.was_weighed, true) || seen.short_by.is_zero() || &one != &open_.back();
        if (auto verdict = judge(one, room, fits, seen, now)) verdicts.push_back(*std::move(verdict));
        room = saturating_sub(room, one.outstanding());
    }
    std::erase_if(open_, [&](const Reservation& one) {
        return std::any_of(verdicts.begin(), verdicts.end(), [&](const ReservationVerdict& verdict) {
            return !verdict.granted() && verdict.reservation.id == one.id;
        });
    });
    return verdicts;
}

std::optional<ReservationVerdict> Reservations::judge(Reservation& one, Bytes room, bool fits, const ReservationSight& seen,
                                                      TimePoint now) const {
    const Bytes wanted = one.outstanding();
    if (wanted <= room) {
        one.granted_at = now;
        return ReservationVerdict{one, EndReason::met, one.wish.bytes, Bytes(), "verified free"};
    }
    std::string missing = format_bytes(saturating_sub(wanted, room)) + " missing";
    if (!seen.counted_at_most.empty()) missing += " (" + seen.counted_at_most + ")";
    if (wanted > seen.capacity)
        return refusal(one, EndReason::floor, room,
                       "all guests together may have " + format_bytes(seen.capacity) + "; it can never fit");
    if (!seen.cannot_squeeze.empty())
        return refusal(one, seen.cannot_reason, room, missing + ", and nobody is squeezed: " + seen.cannot_squeeze);
    if (!fits)
        return refusal(
            one, EndReason::floor, room,
            missing + "; floors and guaranteed minimums of the others leave " + format_bytes(seen.short_by) + " too little");
    if (is_late(one, now))
        return refusal(one, EndReason::deadline, room, missing + " at the deadline; what was taken from others goes back");
    return std::nullopt;
}

Result<std::vector<ReservationVerdict>> Reservations::release(const std::string& id, const GuestId& guest) {
    std::vector<ReservationVerdict> verdicts;
    const auto meant = [&](const Reservation& one) { return guest.empty() ? one.id == id : one.wish.guest == guest; };
    if (std::none_of(open_.begin(), open_.end(), meant))
        return fail(ErrorCode::not_found, "no such reservation; see aerostatctl ops");
    for (const Reservation& one : open_) {
        if (meant(one) && !one.granted_at)
            verdicts.push_back(refusal(one, EndReason::cancelled, Bytes(), "released before it was decided"));
    }
    std::erase_if(open_, meant);
    return verdicts;
}

bool Reservations::knows(const std::string& id) const {
    return std::any_of(open_.begin(), open_.end(), [&](const Reservation& one) { return one.id == id; });
}

bool Reservations::hook_waits() const {
    return std::any_of(open_.begin(), open_.end(), [](const Reservation& one) { return one.wish.hook && !one.granted_at; });
}

}  // namespace aerostat::host
