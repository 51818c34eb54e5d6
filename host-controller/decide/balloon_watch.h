#pragma once

#include <map>
#include <optional>
#include <string>

#include "contract/clock.h"
#include "host-controller/decide/model.h"

// Whether somebody else moves a guest's OS balloon. Pure: orders and sights go in, a finding comes out.
namespace aerostat::host {

/// How long a balloon that somebody else has moved is left to him.
inline constexpr Duration kYieldsFor = std::chrono::minutes(10);

/// A guest's memory changed as none of our orders explains.
struct ForeignMove {
    Bytes from;
    Bytes to;
    [[nodiscard]] bool took() const { return to < from; }
};

/// Follows each balloon's size against what we have ordered.
///
/// An order of ours explains every size between what the guest had and what it was to have, until a while after the last
/// one; then only the size at which it came to rest. At first a step that a daemon before us ordered does, too. A driver
/// never inflates by itself, so a guest that has less was told so by somebody else (virsh setmem, another manager). One that
/// has more was given it, or took it for want of memory (autodeflate): that is not ours to take back either.
class BalloonWatch {
public:
    void ordered(const GuestId& guest, Bytes target, TimePoint now);
    /// Reports a foreign move once for each size it comes to; from then on the guest is yielded.
    [[nodiscard]] std::optional<ForeignMove> saw(const GuestId& guest, Bytes actual, TimePoint now);
    /// Why this guest is left to somebody else; empty: it is not.
    [[nodiscard]] std::string yields(const GuestId& guest, TimePoint now) const;
    /// A run of it begins, or is seen for the first time, and its definition leaves it this much: until its driver is there
    /// it has all its RAM, and then comes down to that by libvirt's order. What was known of an earlier run is over.
    void appeared(const GuestId& guest, Bytes at_start, TimePoint now);
    /// Its driver starts anew: it gives all back, and then carries out what was ordered before. While that may last only a
    /// guest that has less than ever was told so by somebody else.
    void rebooted(const GuestId& guest, TimePoint now);
    /// Its RAM or its devices changed: for a while any size may come of that.
    void refitted(const GuestId& guest, TimePoint now);
    /// Whether what yields() tells of is another's order to give, and we have ordered nothing since: none of ours is in
    /// force.
    [[nodiscard]] bool obeys_another(const GuestId& guest, TimePoint now) const;
    /// An operator takes the guest back.
    void take_back(const GuestId& guest);
    void forget(const GuestId& guest) { guests_.erase(guest); }

private:
    void explain(const GuestId& guest, std::optional<Bytes> low, TimePoint until, TimePoint now);

    struct Known {
        std::optional<Bytes> actual;
        Bytes low;  ///< what our orders explain
        Bytes high{Bytes::kLimit};
        TimePoint explained_until;
        std::optional<Bytes> at_start;
        TimePoint starts_until;
        std::optional<ForeignMove> foreign;
        TimePoint yielded_until;
        bool is_anothers = false;  ///< the order that is in force
    };
    std::map<GuestId, Known> guests_;
};

/// For logs and warnings.
[[nodiscard]] std::string describe(const ForeignMove& move);

}  // namespace aerostat::host
