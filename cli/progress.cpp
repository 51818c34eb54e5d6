#include "cli/progress.h"

#include <unistd.h>

#include <optional>

#include "cli/render.h"
#include "cli/terminal.h"
#include "contract/names.h"
#include "wire/request_client.h"

namespace aerostat::cli {
namespace {

constexpr Millis kQuietAtFirst{300};  // most operations end within it: no flicker for them
constexpr Millis kBetweenLooks{200};
constexpr Duration kAnswerWithin = std::chrono::milliseconds(500);

// The running operation that looks like ours. Another operator's on the same target would have superseded it.
std::optional<OperationView> find_running(wire::RequestClient& client, const ControlRequest& wanted) {
    ControlRequest ask;
    ask.id = fresh_id();
    ask.command = Command::ops;
    const auto reply = client.ask(ask, kAnswerWithin);
    if (!reply) return std::nullopt;
    const auto* seen = std::get_if<OperationsView>(&reply->body);
    if (!seen) return std::nullopt;
    for (const OperationView& operation : seen->operations) {
        if (operation.running && operation.command == to_string(wanted.command) && operation.target == wanted.target)
            return operation;
    }
    return std::nullopt;
}

}  // namespace

Progress::Progress(std::string socket, ControlRequest request) : socket_(std::move(socket)), request_(std::move(request)) {
    thread_ = std::thread([this] { follow(); });
}

Progress::~Progress() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    ended_signal_.notify_all();
    thread_.join();
}

void Progress::follow() {
    const SystemClock clock;
    const TimePoint started = clock.now();
    auto client = wire::RequestClient::connect(socket_);
    std::unique_lock lock(mutex_);
    bool shown = false;
    for (Millis pause = kQuietAtFirst; !ended_signal_.wait_for(lock, pause, [this] { return ended_; });
         pause = kBetweenLooks) {
        lock.unlock();
        const auto seen = client ? find_running(*client, request_) : std::nullopt;
        const auto line = render_progress(request_, seen ? &*seen : nullptr, clock.now() - started, look_for(STDERR_FILENO));
        write_out(STDERR_FILENO, "\r\x1b[K" + line);
        shown = true;
        lock.lock();
    }
    if (shown) write_out(STDERR_FILENO, "\r\x1b[K");
}

}  // namespace aerostat::cli
