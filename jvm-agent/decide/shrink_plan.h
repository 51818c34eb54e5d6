#pragma once

#include <optional>
#include <string>

#include "contract/clock.h"
#include "contract/messages.h"
#include "jvm-agent/decide/heap_facts.h"

// The next step of one shrink operation. Pure: what is seen goes in, one step comes out.
namespace aerostat::agent {

enum class LeverPhase {
    unavailable,  ///< the operator's, or no use here
    unused,       ///< not yet set for this operation
    working,      ///< concurrent cycles are being driven, and still give memory back
    spent,        ///< they give no more
};

struct ShrinkSight {
    HeapFacts heap;
    HeapTarget target;
    Cap cap = Cap::firm;
    Bytes footprint;                  ///< at the last look
    bool footprint_is_fresh = false;  ///< nothing has happened since that look
    bool footprint_is_guess = false;  ///< else: only chunks were inflated since, and `footprint` counts them as gone
    Bytes balloon;
    Bytes balloon_limit;
    Bytes room;  ///< room_for_chunks()
    LeverPhase levers = LeverPhase::unavailable;
    Duration since_levers{};  ///< time since they worked last; since acceptance where they have not
    bool levers_give = true;  ///< working levers give memory back themselves; else they only find garbage for chunks to take
    bool cycle_completed = false;  ///< a whole-heap cycle and a young collection after it, since acceptance
    std::optional<Bytes> live;     ///< as seen by it
    Bytes floor;
    bool slight = false;      ///< collections would not bring enough to be worth them
    bool same_try = false;    ///< TriedFloor::is_reached() when it was accepted: there was no more a short while ago
    bool may_inflate = true;  ///< the guard is not backing off
    std::string no_chunks;    ///< why the levers are all there is; empty: they are not
    bool hurt = false;        ///< the guard has let chunks go since acceptance
    Duration elapsed{};
    Duration deadline{};
};

enum class ShrinkAction { pull_levers, wait, look, inflate, end };

struct ShrinkStep {
    ShrinkAction action = ShrinkAction::wait;
    Bytes inflate;                      ///< for inflate
    EndReason reason = EndReason::met;  ///< for end
    std::string detail;
};

[[nodiscard]] ShrinkStep next_step(const ShrinkSight& seen);

}  // namespace aerostat::agent
