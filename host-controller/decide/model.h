#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/clock.h"
#include "contract/cost_curve.h"
#include "contract/roles.h"
#include "contract/units.h"
#include "host-controller/decide/share_out.h"

// What decisions are made of: one picture of the world per tick, and what has to be remembered between ticks. Plain values.
namespace aerostat::host {

/// A guest's identity, "session:1234:5678" or "cgroup:/path": never the name it says.
using GuestId = std::string;

/// The name of the guest OS layer among a guest's layers. No JVM can have it.
inline constexpr const char* kOsLayer = "guest OS";

/// One Java heap, or the memory of a guest's own, in the host's eyes; all figures already checked against the guest's
/// measured memory.
struct LayerSeen {
    std::string name;
    LayerKind kind = LayerKind::java_heap;
    Bytes footprint;
    Bytes floor;
    bool floor_is_assumed = false;  ///< no collection cycle has shown what is alive: an order may find that less is
    Bytes ceiling;
    CostCurve curve;
    bool can_move = true;         ///< false: this JVM has no balloon
    bool can_hold = true;         ///< false: it shrinks, and may grow again without asking
    std::optional<Bytes> target;  ///< the order in force as the agent says; absent: unrestrained
    bool distress = false;        ///< the agent's guard sees the collector in trouble
    /// Of the program's collections so much was observed for the curve; absent: enough, or its agent does not say.
    std::optional<Duration> curve_seen;
    std::optional<Duration> known_for;  ///< since it was first reported; absent: long
    /// A guest OS that its own daemon moves (a container's), by what the whole container may hold; else the host's balloon
    /// does.
    bool from_inside = false;
    /// False: without a target it stays without one until it has to give. A heap fills what it may in seconds; page cache
    /// grows slowly, and who is held at what he has just now stalls at the first thing he starts.
    bool held_at_once = true;
};

struct GuestSeen {
    GuestId id;
    std::string name;
    bool connected = false;  ///< false: charged for what its processes hold until they are gone
    bool hands_off = false;  ///< the guest's own off switch
    std::string left_alone;  ///< why the host must not order it about now ("it migrates"); empty: it may
    Bytes charged;           ///< measured: PSS of its processes
    Bytes fixed;             ///< of it, outside the heaps (smoothed)
    std::vector<LayerSeen> layers;
};

struct HostSnapshot {
    std::vector<GuestSeen> guests;
    bool settling = false;  ///< after a start: guests known from before are still missing, so nobody is given more
};

/// One JVM of one guest.
using LayerKey = std::pair<GuestId, std::string>;
using LayerKeyView = std::pair<std::string_view, std::string_view>;

/// Found without making a key: every decision asks for each layer several times.
struct LayerKeyLess {
    using is_transparent = void;
    bool operator()(const LayerKeyView& a, const LayerKeyView& b) const { return a < b; }
};
template <class T>
using LayerMap = std::map<LayerKey, T, LayerKeyLess>;

/// An operator's squeeze in force.
struct Ceiling {
    Bytes footprint;
    std::optional<TimePoint> until;  ///< absent: until give, release or resume
};

/// How low a layer goes, as an order that fell short has shown, whatever floor it reports.
struct Reach {
    Bytes footprint;       ///< what it held at the end of that order, or less if it was seen with less since
    Bytes reported_floor;  ///< the lowest since then
    TimePoint until;       ///< it is not asked for less before; then for half of the way
    Duration wait{};       ///< so long; doubles with each order in vain
};

/// How a heap has grown in need, past what it was told, faster than others can give.
struct Growth {
    Bytes seen;  ///< its footprint at the last look,
    TimePoint at;
    Bytes pace;     ///< it grew by so much a second before that,
    Bytes goes_on;  ///< and by no less the time before,
    Bytes lately;   ///< by so much within seconds,
    Bytes most;     ///< and by so much at the most,
    Bytes to;       ///< to this footprint
    TimePoint most_at;
};

/// What the host remembers of a JVM it has ordered about.
struct LayerTrack {
    std::optional<Bytes> ordered;           ///< the last target sent
    std::optional<TimePoint> busy_until;    ///< an operation is under way; no other order until it ended
    Bytes best_footprint;                   ///< smallest seen since it fell behind its target
    std::optional<TimePoint> behind_since;  ///< no progress towards the target since then
    std::optional<TimePoint> aside_since;   ///< set aside: charged in full, left out of sharing
    bool flagged = false;
    std::optional<Reach> reach;             ///< absent: it has done what it was told
    std::optional<TimePoint> unused_since;  ///< it could have grown much by its target since then, and has not
    std::optional<Growth> growth;           ///< absent: not looked at yet
};

/// A guest's urgent wish for memory, and what was made of it.
struct Urgency {
    Bytes floor;  ///< a JVM: not to be left less than this; the guest itself: this much kept ready for it
    TimePoint until;
    TimePoint again_at;  ///< wishes before this add nothing: who cries without end is served by price instead
};

/// Carried from tick to tick. The operators' part (paused, paused_guests, ceilings) also survives a restart.
struct HostState {
    bool paused = false;
    std::set<GuestId> paused_guests;
    LayerMap<Ceiling> ceilings;
    LayerMap<LayerTrack> tracks;
    LayerMap<Urgency> urgent;  ///< an empty JVM name: the guest itself
    std::string level = "ample";
};

}  // namespace aerostat::host
