#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "application-balloon/contract/wire.h"
#include "application-balloon/link/line_door.h"
#include "daemon/call_pool.h"

namespace aerostat::balloon::host {

/// What is done with a domain. All but left_behind() may hang; they run on threads, and own what they use.
struct PunchActs {
    std::function<PunchAnswer(const PunchRequest&)> answer;
    std::function<std::vector<std::string>()> left_behind;  ///< domains that may still be stopped by an earlier order
    std::function<bool(const std::string& domain)> resume;  ///< lets such a one go on; false: to be tried again
};

/// hostd's orders: those for one domain one after the other, those for different ones side by side, so that a QEMU that
/// hangs keeps nobody else waiting. An order whose turn does not come in its time is answered `timed_out`, and never carried
/// out. Thread: loop thread.
class PunchOrders {
public:
    PunchOrders(asio::io_context& loop, PunchActs acts, const Clock& clock, daemon::CallBounds bounds = {})
        : acts_(std::move(acts)), clock_(clock), pool_(loop, bounds) {}

    /// False: the line is malformed.
    [[nodiscard]] bool take(std::string_view line, const LineDoor::Reply& reply);
    /// Lets domains go on that were left behind; to be called once in a while.
    void mend();
    /// No guest stands still for us.
    [[nodiscard]] bool is_idle() const { return pool_.is_idle(); }

private:
    [[nodiscard]] Duration patience(const PunchRequest& request) const;

    PunchActs acts_;
    const Clock& clock_;
    daemon::CallPool pool_;
};

}  // namespace aerostat::balloon::host
