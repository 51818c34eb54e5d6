#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/clock.h"
#include "contract/units.h"
#include "host-controller/decide/share_out.h"

namespace aerostat::host {

/// What an operator wants for a guest.
struct GuestLimits {
    std::optional<Bytes> min;  ///< guaranteed: never squeezed below
    std::optional<Bytes> max;  ///< never given more
    double weight = 1;
    bool application_balloon = false;  ///< its OS layer gives through that, not through virtio-balloon
    /// min = max is the operator's way to say "hands off".
    [[nodiscard]] bool hands_off() const { return min && max && *min == *max; }
};

struct GuestRule {
    std::string pattern;  ///< a name or a glob
    GuestLimits limits;
};

/// What the policy may assume about time and noise; the defaults are explained beside each key in hostd.example.toml.
struct Pacing {
    Bytes smallest_move{16ULL << 20};
    double smallest_share = 0.01;
    Bytes largest_step{1ULL << 30};              ///< a JVM and tick
    double cost_of_moving = 1.0;                 ///< CPU seconds per GiB moved
    Duration payback = std::chrono::minutes(1);  ///< a move must earn its cost within this
    double least_advantage = 1.5;                ///< bytes must be worth so many times more elsewhere: reports are noisy
    Duration order_deadline = std::chrono::seconds(5);
    Duration set_aside_after = std::chrono::seconds(5);
    Duration flag_after = std::chrono::seconds(20);
    Duration retry_after = std::chrono::minutes(1);  ///< a JVM set aside is tried again
    Duration urgency_lasts = std::chrono::seconds(5);
};

struct HostRules {
    Bytes memory;  ///< the budget for all guests
    Bytes emergency_reserve;
    std::vector<GuestRule> guests;
    Pacing pacing;
    const SharePolicy* policy = &price_of_memory();

    [[nodiscard]] Bytes capacity() const { return saturating_sub(memory, emergency_reserve); }
    /// The limits of the section of that very name, else of the longest matching pattern; absent: the guest is observed
    /// only.
    [[nodiscard]] std::optional<GuestLimits> limits_for(const std::string& name) const;
    /// Changes smaller than this are noise.
    [[nodiscard]] Bytes dead_band(Bytes amount) const;
};

}  // namespace aerostat::host
