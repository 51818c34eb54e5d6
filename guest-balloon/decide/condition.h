#pragma once

#include <optional>

#include "contract/clock.h"
#include "contract/condition_page.h"
#include "contract/units.h"

// The memory condition: what an application of this guest may count on, and what it is asked to give.
namespace aerostat::guest {

/// How the host is, as far as it says so (rule `share_host_condition` of the host).
struct HostWord {
    std::optional<ConditionLevel> level;
    std::optional<double> price;  ///< CPU seconds per second and GiB
};

/// What the condition is made of. Absent: unknown.
struct ConditionFacts {
    std::optional<Bytes> total;  ///< memory of the guest, or the container's limit where that is less
    /// The kernel's estimate (MemAvailable, within a container's limit): free, and page cache whoever may be using it.
    std::optional<Bytes> available;
    /// Of `available`, page cache that somebody uses: taking it makes them read it again (decide/cache_use.h).
    std::optional<Bytes> cache_in_use;
    std::optional<double> psi_some_avg10;
    std::optional<double> psi_full_avg10;
    bool in_distress = false;  ///< a JVM has called for memory just now, or the kernel's pressure trigger has fired
    std::optional<Bytes> java_ballooned;
    std::optional<Bytes> guest_ballooned;
    std::optional<Bytes> guest_target;  ///< what the host's plan leaves us in all, heaps included
    Bytes about_to_be_taken;            ///< of `available`, by the host
    bool has_host = false;              ///< a host is in charge and not silent
    HostWord host;
};

/// What readers are told; the page in the daemon's own types.
struct Condition {
    ConditionLevel level = ConditionLevel::ample;
    ConditionTrend trend = ConditionTrend::steady;
    std::optional<Bytes> available;
    Bytes suggested_release;
    std::optional<TimePoint> deadline;
    ConditionFacts facts;
};

/// What a decision remembers for the next one.
struct ConditionMemory {
    ConditionLevel level = ConditionLevel::ample;
    std::optional<TimePoint> calm_since;  ///< a lower level would do since then
    std::optional<TimePoint> deadline;
    std::optional<double> average;  ///< of the available bytes, over some ten seconds
    TimePoint averaged_at;
    ConditionTrend trend = ConditionTrend::steady;
};

/// Bytes an application may still take without making anybody stall: available memory without cache in use and without what
/// the host is about to take. Absent without MemAvailable.
[[nodiscard]] std::optional<Bytes> takeable(const ConditionFacts& facts);

/// The condition at this time. Levels go by what is left when the host has taken what it wants, cache in use included: a
/// guest whose memory is full of files is not short of it. A level rises at once and falls after five seconds in which a
/// lower one would have done, by thresholds that are a quarter more generous. Formulas: docs/policy.md. Does not allocate.
[[nodiscard]] Condition decide_condition(const ConditionFacts& facts, ConditionMemory& memory, TimePoint now);

enum class ConditionNews { nothing, figures, level };
/// Whether those who wait should be woken: for the level (or validity, or session), or for figures that have moved
/// noticeably.
[[nodiscard]] ConditionNews condition_news(const ConditionState& before, const ConditionState& after);

/// As readers see it.
[[nodiscard]] ConditionState condition_record(const Condition& condition, std::uint64_t session, Duration stale_after,
                                              TimePoint now);

}  // namespace aerostat::guest
