#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "contract/control.h"
#include "daemon/control_server.h"
#include "guest-balloon/app/views.h"
#include "guest-balloon/decide/guest_state.h"

namespace aerostat::guest {

/// Answers operators: turns requests into decisions, and keeps those waiting that wait for an operation's end.
/// Thread: the loop's.
class Requests {
public:
    struct Ports {
        std::function<LinkFacts()> links;
        std::function<void(Effects&)> carry_out;  ///< does what was decided
        std::function<void()> pause_changed;
    };
    Requests(GuestState& state, Ports ports, const Clock& clock) : state_(state), ports_(std::move(ports)), clock_(clock) {}

    void take(const ControlRequest& request, const daemon::Responder& respond);
    void operation_ended(const std::string& op);
    /// Tells all who wait that the daemon ends; operations go on at their agents.
    void shutting_down();

private:
    void begin(const ControlRequest& request, const daemon::Responder& respond);
    void cancel(const ControlRequest& request, const daemon::Responder& respond);
    void resume(const ControlRequest& request, const daemon::Responder& respond);
    void wait_for(const std::string& op, const daemon::Responder& respond);
    void answer_with_operation(const std::string& op, const daemon::Responder& respond);

    static constexpr std::size_t kMostWaiting = 256;
    GuestState& state_;
    Ports ports_;
    const Clock& clock_;
    std::multimap<std::string, daemon::Responder> waiting_;
};

}  // namespace aerostat::guest
