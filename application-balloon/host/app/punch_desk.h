#pragma once

#include <string>
#include <vector>

#include "application-balloon/contract/wire.h"

namespace aerostat::balloon::host {

/// Answers hostd's requests; libvirt and QEMU may take any time over it, also for ever.
/// Thread: any; for one domain one at a time.
class PunchDesk {
public:
    struct Settings {
        std::string uri;
        std::string
            directory;  ///< holds a note for each domain whose processors we have stopped, for who is started after us
    };
    explicit PunchDesk(Settings settings, const Clock& clock) : settings_(std::move(settings)), clock_(clock) {}

    [[nodiscard]] PunchAnswer answer(const PunchRequest& request) const;
    /// The domains that are noted. Does not block.
    [[nodiscard]] std::vector<std::string> left_behind() const;
    /// Lets a noted domain go on that was left paused: by a process that died, or because libvirt would not let us. False if
    /// it still is.
    bool resume(const std::string& domain) const;

private:
    [[nodiscard]] std::string note_of(const std::string& domain) const;
    [[nodiscard]] Result<Punched> carry_out(const PunchOrder& order) const;

    Settings settings_;
    const Clock& clock_;
};

}  // namespace aerostat::balloon::host
