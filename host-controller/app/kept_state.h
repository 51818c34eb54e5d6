#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "host-controller/decide/model.h"

namespace aerostat::host::app {

/// What outlives a restart: who was here (so that nobody is given what another still holds) and what operators ordered.
/// Everything else is rebuilt from the world. After a reboot nobody is here any more, and of what operators ordered that
/// stays which is about all, or about guests that are known by the same identity then.
struct KeptGuest {
    GuestId id;
    std::string name;
};

struct KeptState {
    std::string boot;  ///< during which it was written; empty: not known
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

/// Forgets what was only true before a reboot, if `boot` is another one.
void forget_before_boot(KeptState& kept, const std::string& boot);
/// The kernel's word for the time since the machine was started; empty if it cannot be read.
[[nodiscard]] std::string boot_id();

/// The file in the state or runtime directory. Written beside it and renamed, so that it is old or new, never half.
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
