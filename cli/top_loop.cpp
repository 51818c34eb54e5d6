#include "cli/top_loop.h"

#include <signal.h>
#include <unistd.h>

#include <optional>

#include "cli/exit_code.h"
#include "cli/render.h"
#include "cli/terminal.h"
#include "contract/names.h"
#include "wire/request_client.h"

namespace aerostat::cli {
namespace {

constexpr Duration kAnswerWithin = std::chrono::seconds(2);
constexpr std::size_t kOwnLines = 2;  // below the table: a blank line and the keys

/// A connection that is made anew when it has been lost.
class Source {
public:
    explicit Source(std::string socket) : socket_(std::move(socket)) {}

    [[nodiscard]] Result<StatusView> look() {
        if (!client_) {
            auto client = wire::RequestClient::connect(socket_);
            if (!client) return tl::unexpected(client.error());
            client_.emplace(*std::move(client));
        }
        ControlRequest request;
        request.id = fresh_id();
        auto reply = client_->ask(request, kAnswerWithin);
        if (!reply) client_.reset();
        if (!reply) return tl::unexpected(reply.error());
        if (reply->error) return tl::unexpected(*reply->error);
        auto* status = std::get_if<StatusView>(&reply->body);
        if (!status) return fail(ErrorCode::internal, "the daemon answered something else than its status");
        return std::move(*status);
    }

private:
    std::string socket_;
    std::optional<wire::RequestClient> client_;
};

std::string frame_of(const Result<StatusView>& seen, const TopOptions& top, const Look& look) {
    Look inner = look;
    inner.height = look.height > kOwnLines ? look.height - kOwnLines : 1;
    const std::string keys = styled("q quits, every " + format_duration(top.interval), Style::dim, look);
    if (seen) return render_top(*seen, work_for(top), inner) + "\n" + keys;
    const std::string problem = printable(seen.error().message, 400);
    return styled(fit(problem, look.width), Style::warning, look) + "\nasking again\n\n" + keys;
}

}  // namespace

WorkTexts work_for(const TopOptions& top) {
    if (top.work_file.empty()) return {};
    return read_work_file(top.work_file).value_or(WorkTexts{});
}

int run_top_screen(const Invocation& invocation) {
    ScreenEvents events;
    LiveScreen screen;
    Source source(invocation.socket);
    auto seen = source.look();
    for (;;) {
        screen.draw(frame_of(seen, invocation.top, look_for(STDOUT_FILENO)));
        const ScreenEvent event = events.wait(invocation.top.interval);
        if (event == ScreenEvent::quit) return kExitMet;
        if (event == ScreenEvent::stop) {
            screen.leave();
            ::raise(SIGSTOP);
            screen.enter();
        }
        if (event == ScreenEvent::tick) seen = source.look();
    }
}

}  // namespace aerostat::cli
