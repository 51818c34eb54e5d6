#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "host-controller/decide/model.h"

namespace aerostat::host::app {

/// What outlives a restart: who was here (so that nobody is given what another still holds) and what operators ordered.
/// Everything else is rebuilt from the world.
struct KeptGuest {
    GuestId id;
    std::string name;
};

struct KeptState {
    std::vector<KeptGuest> guests;
    bool paused = false;
    std::set<GuestId> paused_guests;
    LayerMap<Ceiling> ceilings;
};

/// Times in the file are wall-clock, for the monotonic clock does not survive a reboot: both clocks' present readings.
struct Moment {
    TimePoint now;
    std::chrono::system_clock::time_point wall;
};

[[nodiscard]] std::string write_kept_state(const KeptState& kept, const Moment& moment);
/// Fails: `bad_value` for anything that is not what write_kept_state writes.
[[nodiscard]] Result<KeptState> parse_kept_state(const std::string& text, const Moment& moment);

/// The file in the runtime directory. Written beside it and renamed, so that it is old or new, never half.
class KeptFile {
public:
    explicit KeptFile(std::string path) : path_(std::move(path)) {}
    /// Fails: `not_found`, `io`, `bad_value` (corrupt).
    [[nodiscard]] Result<KeptState> load(const Moment& moment) const;
    /// Writes only what differs from the last writing. Fails: `io`.
    [[nodiscard]] Status store(const KeptState& kept, const Moment& moment);

private:
    std::string path_;
    std::string written_;
};

}  // namespace aerostat::host::app
