#include "guest-balloon/decide/host_lease.h"

#include <algorithm>

namespace aerostat::guest {
namespace {

// A host cannot make itself immortal, nor bind us to renew many times a second.
constexpr Millis kShortestLease{500};
constexpr Millis kLongestLease{600'000};

}  // namespace

std::string_view to_string(Superior superior) {
    switch (superior) {
        case Superior::none:
            return "none";
        case Superior::connected:
            return "connected";
        case Superior::silent:
            return "silent";
    }
    return "none";
}

void HostLease::connected(Millis lease, TimePoint now) {
    connected_ = true;
    renewed(lease, now);
}

void HostLease::renewed(Millis lease, TimePoint now) {
    lease_ = std::clamp(lease, kShortestLease, kLongestLease);
    heard_at_ = now;
}

void HostLease::lost(TimePoint now) {
    if (connected_) lost_at_ = std::min(now, heard_at_ + lease_);
    connected_ = false;
}

TimePoint HostLease::silent_since() const { return connected_ ? heard_at_ + lease_ : lost_at_; }

Superior HostLease::at(TimePoint now) const {
    if (!configured_) return Superior::none;
    return connected_ && now < silent_since() ? Superior::connected : Superior::silent;
}

std::optional<Duration> HostLease::silent_for(TimePoint now) const {
    if (at(now) != Superior::silent) return std::nullopt;
    return std::max(Duration{}, now - silent_since());
}

}  // namespace aerostat::guest
