#include "cli/top_loop.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <optional>

#include <fmt/format.h>

#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "cli/top_screen.h"
#include "contract/names.h"
#include "wire/request_client.h"

namespace aerostat::cli {
namespace {

constexpr Duration kAnswerWithin = std::chrono::seconds(2);

/// A connection that is made anew when it has been lost.
class Source {
public:
    explicit Source(std::string socket) : socket_(std::move(socket)) {}

    void look(TopScreen& screen) {
        auto status = ask<StatusView>(Command::status);
        // Operations are extra: without them the table is still worth showing.
        const auto operations = status ? ask<OperationsView>(Command::ops) : Result<OperationsView>();
        screen.take(std::move(status), operations.value_or(OperationsView()), time_of_day());
    }

private:
    template <class View>
    [[nodiscard]] Result<View> ask(Command command) {
        if (!client_) {
            auto client = wire::RequestClient::connect(socket_);
            if (!client) return tl::unexpected(client.error());
            client_.emplace(*std::move(client));
        }
        ControlRequest request;
        request.id = fresh_id();
        request.command = command;
        auto reply = client_->ask(request, kAnswerWithin);
        if (!reply) client_.reset();
        if (!reply) return tl::unexpected(reply.error());
        if (reply->error) return tl::unexpected(*reply->error);
        auto* view = std::get_if<View>(&reply->body);
        if (!view) return fail(ErrorCode::internal, "the daemon answered something else than was asked");
        return std::move(*view);
    }
    [[nodiscard]] static std::string time_of_day() {
        const std::time_t now = std::time(nullptr);
        std::tm local{};
        ::localtime_r(&now, &local);
        return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
    }

    std::string socket_;
    std::optional<wire::RequestClient> client_;
};

void obey(const std::vector<Key>& keys, TopScreen& screen) {
    for (const Key key : keys) {
        if (const auto move = move_of(key)) screen.move(*move);
    }
}

}  // namespace

WorkTexts work_for(const TopOptions& top) {
    if (top.work_file.empty()) return {};
    return read_work_file(top.work_file).value_or(WorkTexts{});
}

int run_top_screen(const Invocation& invocation) {
    const TopOptions& top = invocation.top;
    const SystemClock clock;
    ScreenEvents events;
    LiveScreen terminal;
    Source source(invocation.socket);
    TopScreen screen(top.interval);
    const auto look = [&] {
        source.look(screen);
        screen.set_work(work_for(top));
    };
    look();
    TimePoint next = clock.now() + top.interval;
    for (;;) {
        terminal.draw(screen.frame(look_for(STDOUT_FILENO)));
        // Keys and resizing neither put off the next look nor cause one.
        const ScreenEvent event = events.wait(std::max(Duration{}, next - clock.now()));
        if (event == ScreenEvent::quit) return kExitMet;
        if (event == ScreenEvent::key) obey(events.take_keys(), screen);
        if (event == ScreenEvent::stop) {
            terminal.leave();
            ::raise(SIGSTOP);
            terminal.enter();
        }
        if (event != ScreenEvent::tick) continue;
        look();
        next = clock.now() + top.interval;
    }
}

}  // namespace aerostat::cli
