#pragma once

#include <string>

#include "application-balloon/contract/wire.h"

namespace aerostat::balloon::host {

/// Answers hostd's requests. One at a time: nothing else is to be done meanwhile. Thread: one.
class PunchDesk {
public:
    struct Settings {
        std::string uri;
        std::string note_file;  ///< names the domain whose processors we have stopped, for who is started after us
    };
    explicit PunchDesk(Settings settings, const Clock& clock) : settings_(std::move(settings)), clock_(clock) {}

    [[nodiscard]] PunchAnswer answer(const PunchRequest& request);
    /// Lets a domain go on that was left paused: by a process that died, or because libvirt would not let us. False if one
    /// still is.
    bool resume_left_behind();

private:
    [[nodiscard]] Result<Punched> carry_out(const PunchOrder& order);

    Settings settings_;
    const Clock& clock_;
};

}  // namespace aerostat::balloon::host
