#pragma once

#include <optional>

#include "contract/clock.h"

namespace aerostat::guest {

enum class Superior { none, connected, silent };
[[nodiscard]] std::string_view to_string(Superior superior);

/// Whether the host is in charge. It is while its connection stands and its lease runs; any message of its renews the
/// lease. When it is silent nothing changes by itself (targets are held): what follows is the silence rule's business.
class HostLease {
public:
    HostLease(bool configured, TimePoint now) : configured_(configured), heard_at_(now) {}

    void connected(Millis lease, TimePoint now);
    void heard(TimePoint now) { heard_at_ = now; }
    void renewed(Millis lease, TimePoint now);
    void lost(TimePoint now);

    [[nodiscard]] Superior at(TimePoint now) const;
    /// How long the host has been silent; absent when it is connected or was never asked for.
    [[nodiscard]] std::optional<Duration> silent_for(TimePoint now) const;

private:
    [[nodiscard]] TimePoint silent_since() const;

    bool configured_;
    bool connected_ = false;
    Millis lease_{30'000};
    TimePoint heard_at_;
    TimePoint lost_at_ = heard_at_;
};

}  // namespace aerostat::guest
