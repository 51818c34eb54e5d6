#pragma once

#include <optional>
#include <string>
#include <vector>

#include "contract/messages.h"
#include "host-controller/decide/plan.h"

// Memory kept for a guest that is about to start. Pure.
namespace aerostat::host {

struct ReservationWish {
    Bytes bytes;
    GuestId guest{};     ///< whose; empty: nobody in particular, then it ends by release or expiry only
    std::string name{};  ///< for people
    bool hook = false;   ///< asked by the start of a domain, which waits for the answer and holds up others that ask of it
    Duration deadline = std::chrono::seconds(5);
    Duration hold = std::chrono::minutes(1);  ///< once granted it is kept for so long, unless the guest has it before
};

struct Reservation {
    std::string id;
    ReservationWish wish;
    TimePoint began;
    std::optional<TimePoint> granted_at;
    bool was_weighed = false;  ///< against the others' floors, before anybody was squeezed for it
    Bytes arrived;             ///< of it, what the guest holds already and is charged for
    [[nodiscard]] Bytes outstanding() const { return saturating_sub(wish.bytes, arrived); }
};

/// Said once of each reservation: granted or not.
struct ReservationVerdict {
    Reservation reservation;
    EndReason reason = EndReason::met;
    Bytes verified;   ///< free for it, at most what was asked
    Bytes shortfall;  ///< missing
    std::string detail;
    [[nodiscard]] bool granted() const { return reason == EndReason::met; }
};

/// What a decision that counts the reservations as taken has come to.
struct ReservationSight {
    const HostSnapshot& seen;
    Bytes capacity;              ///< for guests, reservations not taken off
    Bytes held;                  ///< booked: measured, or what targets in force entitle to
    Bytes short_by;              ///< with all reservations, floors and minimums do not fit by this much, by what is reported
    std::string cannot_squeeze;  ///< why nobody is squeezed ("mode is advise"); empty: others are
    EndReason cannot_reason = EndReason::unsupported;
    std::string cannot_judge{};     ///< why what guests hold is not known yet; empty: `held` counts them all
    bool listing_owed = false;      ///< a guest may be there that is not in `seen`
    std::string counted_at_most{};  ///< of whom it is not known what they hold: in `held` with all that they may hold
};

/// Open reservations. The memory not arrived yet is taken off the host's budget, so that the policy squeezes others for it
/// and gives it to nobody; it is granted when it is verified free, in the order of asking. Where that cannot be judged it is
/// neither granted nor refused before its deadline; and while its guest may be there unseen, none expires.
class Reservations {
public:
    static constexpr std::size_t kMost = 64;

    /// The answer is its id. Fails: `bad_value` (no bytes; a deadline beyond an hour, a hold beyond a day), `busy` (too
    /// many).
    [[nodiscard]] Result<std::string> open(ReservationWish wish, TimePoint now);
    /// Taken off the budget.
    [[nodiscard]] Bytes outstanding() const;
    /// What is decided now; and ends those that have arrived or expired.
    [[nodiscard]] std::vector<ReservationVerdict> review(const ReservationSight& seen, TimePoint now);
    /// Ends one by its id, or (`guest` set) all of a guest; those not decided yet get a verdict, `cancelled`.
    /// Fails: `not_found`.
    [[nodiscard]] Result<std::vector<ReservationVerdict>> release(const std::string& id, const GuestId& guest);
    [[nodiscard]] bool knows(const std::string& id) const;
    /// Whether the start of a domain waits for a verdict.
    [[nodiscard]] bool hook_waits() const;
    [[nodiscard]] const std::vector<Reservation>& all() const { return open_; }

private:
    void note_arrivals(const HostSnapshot& seen);
    [[nodiscard]] std::optional<ReservationVerdict> judge(Reservation& one, Bytes room, bool fits,
                                                          const ReservationSight& seen, TimePoint now) const;

    std::vector<Reservation> open_;  ///< in the order of asking
    std::uint64_t next_ = 1;
};

}  // namespace aerostat::host
