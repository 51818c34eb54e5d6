#pragma once

#include "host-controller/decide/plan.h"

// How the state between ticks changes. Pure.
namespace aerostat::host {

/// `before` without what has expired or belongs to JVMs that ended, and with each JVM's progress towards its target noted:
/// set aside after a time without any, flagged after a longer one, tried again after a while.
[[nodiscard]] HostState carry_over(const HostSnapshot& seen, const HostState& before, const HostRules& rules, TimePoint now);

/// An order was really sent; until `until` the JVM gets no other.
void note_ordered(HostState& state, const LayerKey& key, Bytes target, TimePoint until);
/// Of a guest OS that was to give `asked` and of that is `missing` a part: whether this is its limit. One that has given a
/// quarter or more had too little time.
[[nodiscard]] bool shows_os_limit(Bytes asked, Bytes missing);
/// A guest OS could not give as much as it was told; `limit` is what it came to. It is not asked again until `until`. What
/// it might come to hold is no claim on memory meanwhile: only what it holds, or is held to.
void note_os_short(HostState& state, const LayerKey& key, const LayerSeen& seen, Bytes limit, TimePoint until);
/// An order for `target` has ended: the JVM is left alone until `until`, for its last report still shows what was before.
/// Nothing if it has been given another order meanwhile: that one's time counts.
void note_settling(HostState& state, const LayerKey& key, Bytes target, TimePoint until);

/// A guest asks for memory at once; an empty JVM name stands for the guest itself. Bounded by the emergency reserve, and
/// by one wish per lasting time and as long again.
void note_urgent(HostState& state, const GuestSeen& guest, const std::string& jvm, Bytes wanted, const HostRules& rules,
                 TimePoint now);

/// A guest is gone for good. (One that is merely not in a picture keeps what is remembered of it.)
void forget_guest(HostState& state, const GuestId& guest);

/// A new ceiling by an operator, until the time given (absent: until it is ended).
void set_ceiling(HostState& state, const LayerKey& key, Bytes footprint, std::optional<TimePoint> until);
/// Ends the ceilings of a guest, or of one of its JVMs.
void end_ceilings(HostState& state, const GuestId& guest, const std::string& jvm);

}  // namespace aerostat::host
