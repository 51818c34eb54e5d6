#include "cli/run.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "cli/arguments.h"
#include "cli/condition_command.h"
#include "cli/doctor.h"
#include "cli/exit_code.h"
#include "cli/progress.h"
#include "cli/render.h"
#include "cli/terminal.h"
#include "cli/tool.h"
#include "cli/top_loop.h"
#include "contract/codec.h"
#include "contract/names.h"
#include "wire/request_client.h"

namespace aerostat::cli {
namespace {

constexpr Duration kAnswerWithin = std::chrono::seconds(10);  // beyond an operation's own deadline
constexpr Millis kDefaultDeadline{5000};

int report(const Error& error, bool json, ExitCode code) {
    if (json) {
        write_out(STDOUT_FILENO, error_as_json({error.code, printable(error.message, 1000)}, -1) + "\n");
    }
    write_out(STDERR_FILENO, "aerostatctl: " + printable(error.message, 1000) + "\n");
    return code;
}

int print(const std::string& text, ExitCode code) {
    if (write_out(STDOUT_FILENO, text)) return code;
    return report(Error{ErrorCode::io, "the answer could not be written to the standard output"}, false, kExitError);
}

bool moves_memory(const ControlRequest& request) {
    return request.command == Command::squeeze || request.command == Command::give || request.command == Command::release ||
           request.command == Command::reserve;
}

Duration time_for(const ControlRequest& request) {
    return kAnswerWithin + (moves_memory(request) ? request.deadline.value_or(kDefaultDeadline) : Millis(0));
}

// Ctrl-C ends the waiting, not the operation: whoever presses it should know. Only write and _exit are allowed here.
extern "C" void on_interrupt(int number) {
    constexpr std::string_view kText =
        "\naerostatctl: not waiting any more; the operation goes on (aerostatctl ops, aerostatctl cancel)\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kText.data(), kText.size());
    ::_exit(128 + number);
}

void explain_interrupts() {
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

std::string text_of(const Invocation& invocation, const ReplyBody& body) {
    if (invocation.json) return body_as_json(body, 2) + "\n";
    const Look look = look_for(STDOUT_FILENO);
    const auto* status = std::get_if<StatusView>(&body);
    if (invocation.action == Invocation::Action::top && status) {
        return render_top(*status, work_for(invocation.top), Look{look.colour, look.width, 0});
    }
    return render_reply(invocation.request.command, body, look);
}

int ask(const Invocation& invocation) {
    auto client = wire::RequestClient::connect(invocation.socket);
    if (!client) return report(client.error(), invocation.json, exit_code_for_connect(client.error()));
    const ControlRequest& request = invocation.request;
    std::optional<Progress> progress;
    if (moves_memory(request) && request.wait) {
        explain_interrupts();
        if (is_terminal(STDERR_FILENO)) progress.emplace(invocation.socket, request);
    }
    const auto reply = client->ask(request, time_for(request));
    progress.reset();
    if (!reply) return report(reply.error(), invocation.json, exit_code_for_request(reply.error()));
    if (reply->error) return report(*reply->error, invocation.json, exit_code_for_request(*reply->error));
    return print(text_of(invocation, reply->body), exit_code_for(request.command, reply->body));
}

std::string default_socket() {
    const char* named = std::getenv("AEROSTAT_SOCKET");
    return named && *named ? named : kDefaultSocket;
}

}  // namespace

int run(const std::vector<std::string>& arguments) {
    const auto invocation = parse_arguments(arguments, default_socket());
    if (!invocation) return report(invocation.error(), asks_for_json(arguments), kExitUsage);
    if (invocation->action == Invocation::Action::print) return print(invocation->text, kExitMet);
    if (invocation->action == Invocation::Action::run_tool) {
        return report(run_tool("aerostat-sim", invocation->tool_arguments), invocation->json, kExitError);
    }
    if (invocation->action == Invocation::Action::doctor) return run_doctor(*invocation);
    if (invocation->action == Invocation::Action::condition) return run_condition(*invocation);
    const bool live = invocation->action == Invocation::Action::top && !invocation->top.once && !invocation->json;
    if (live && is_terminal(STDOUT_FILENO)) return run_top_screen(*invocation);
    return ask(*invocation);
}

}  // namespace aerostat::cli
