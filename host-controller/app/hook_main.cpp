#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <iostream>
#include <string_view>

#include "host-controller/app/libvirt_hook.h"
#include "wire/request_client.h"

// libvirt's hook: NAME OPERATION SUB_OPERATION EXTRA, the domain's XML on stdin. An exit status other than 0 keeps the
// domain from starting, and what is written to stderr becomes the reason.
namespace {

using namespace aerostat;
using namespace aerostat::host::app;

constexpr const char* kConfig = "/etc/aerostat/libvirt-hook.toml";
constexpr int kRefused = 1;  // libvirt's script takes no other status for a refusal
constexpr const char* kHelp =
    "aerostat-libvirt-hook DOMAIN OPERATION SUB_OPERATION EXTRA < DOMAIN.xml\n"
    "Called by libvirt; see aerostat-libvirt-hook(8).\n\n"
    "Options:\n"
    "  --help    Prints this\n";

volatile sig_atomic_t status_when_late = 0;

// Whatever hangs, connecting included: libvirt is not kept waiting. Only write and _exit are allowed here.
extern "C" void on_late(int) {
    constexpr std::string_view kText = "aerostat: no answer within the limit of the hook\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kText.data(), kText.size());
    ::_exit(status_when_late);
}

void end_by(Duration limit, int status) {
    status_when_late = status;
    struct sigaction action {};
    action.sa_handler = on_late;
    ::sigaction(SIGALRM, &action, nullptr);
    const Millis millis = to_millis(limit);
    itimerval timer{};
    timer.it_value.tv_sec = millis.count() / 1000;
    timer.it_value.tv_usec = millis.count() % 1000 * 1000;
    ::setitimer(ITIMER_REAL, &timer, nullptr);
}

Result<ControlReply> ask(const HookCall& call, const HookRules& rules) {
    const auto xml = read_bounded(STDIN_FILENO, rules.limit / 2);
    if (!xml) return tl::unexpected(xml.error());
    const auto request = hook_request(call, *xml, rules);
    if (!request) return tl::unexpected(request.error());
    auto client = wire::RequestClient::connect(rules.socket);
    if (!client) return tl::unexpected(client.error());
    return client->ask(*request, rules.limit);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view(argv[1]) == "--help") {
        std::cout << kHelp;
        return 0;
    }
    HookCall call;
    if (argc > 3) call = {argv[1], argv[2], argv[3]};
    if (!call.begins() && !call.ends()) return 0;
    const char* elsewhere = ::getenv("AEROSTAT_HOOK_CONFIG");
    auto rules = read_hook_rules(elsewhere ? elsewhere : kConfig);
    if (!rules) {
        std::cerr << "aerostat: " << rules.error().message << "; the defaults are used\n";
        rules = HookRules();
    }
    end_by(rules->limit, call.begins() && rules->refuse_when_down ? kRefused : 0);
    const HookVerdict verdict = hook_verdict(call, ask(call, *rules), *rules);
    if (!verdict.say.empty()) std::cerr << verdict.say << '\n';
    return verdict.allow ? 0 : kRefused;
}
