#include "host-controller/app/libvirt_hook.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "contract/names.h"
#include "daemon/strict_toml.h"
#include "host-controller/virt/domain_xml.h"
#include "host-controller/virt/guest_names.h"

namespace aerostat::host::app {
namespace {

constexpr std::size_t kLongestXml = 1024UL * 1024;
constexpr Duration kShortestLimit = std::chrono::seconds(1);
constexpr Duration kLongestLimit = std::chrono::minutes(5);

HookVerdict without_an_answer(const std::string& why, const HookRules& rules) {
    if (rules.refuse_when_down)
        return {false, "aerostat: " + why + "; the domain is not started (on_controller_down = refuse)"};
    return {true, "aerostat: " + why + "; the domain starts without memory being made free for it"};
}

}  // namespace

Result<HookRules> read_hook_rules(const std::string& path) {
    HookRules rules;
    auto opened = daemon::StrictTable::read_file(path);
    if (!opened && opened.error().code == ErrorCode::not_found) return rules;
    if (!opened) return tl::unexpected(opened.error());
    rules.socket = opened->text("socket").value_or(rules.socket);
    rules.limit = opened->duration("limit").value_or(rules.limit);
    if (rules.limit < kShortestLimit || rules.limit > kLongestLimit)
        opened->add_problem("limit", "limit must be between 1s and 5m");
    rules.refuse_when_down = opened->word("on_controller_down", {"allow", "refuse"}).value_or("allow") == "refuse";
    rules.refuse_when_short = opened->word("on_shortage", {"refuse", "allow"}).value_or("refuse") == "refuse";
    if (auto finished = opened->finish(); !finished) return tl::unexpected(finished.error());
    return rules;
}

Result<ControlRequest> hook_request(const HookCall& call, std::string_view xml, const HookRules& rules) {
    const auto facts = virt::parse_domain_xml(xml);
    if (!facts) return tl::unexpected(facts.error());
    ControlRequest request;
    request.id = fresh_id();
    request.command = call.begins() ? Command::reserve : Command::release;
    request.guest = virt::guest_id_of(facts->uuid);
    if (!virt::is_domain_guest_id(request.guest))
        return fail(ErrorCode::bad_value, "the domain's XML names no usable <uuid>");
    if (!call.begins()) return request;
    request.target = virt::guest_name_of(call.domain);
    request.bytes = facts->at_start;
    request.hook = true;
    request.deadline = to_millis(rules.limit * 8 / 10);  // the rest is for saying so
    return request;
}

HookVerdict hook_verdict(const HookCall& call, const Result<ControlReply>& reply, const HookRules& rules) {
    if (!call.begins()) return {};
    if (!reply) return without_an_answer("aerostat-hostd does not answer: " + printable(reply.error().message), rules);
    if (reply->error) return without_an_answer("aerostat-hostd: " + printable(reply->error->message), rules);
    const auto* verdict = std::get_if<OperationView>(&reply->body);
    if (!verdict) return without_an_answer("aerostat-hostd answers something else", rules);
    if (verdict->reason == EndReason::met) return {};
    const std::string why = "aerostat: no room for " + format_bytes(verdict->asked) + ": " + printable(verdict->detail, 400);
    if (rules.refuse_when_short) return {false, why};
    return {true, why + "; the domain starts all the same (on_shortage = allow)"};
}

Result<std::string> read_bounded(int fd, Duration within) {
    const SystemClock clock;
    const TimePoint until = clock.now() + within;
    std::string text;
    std::array<char, 65536> part{};
    while (true) {
        const Millis left = to_millis(until - clock.now());
        pollfd waited{fd, POLLIN, 0};
        const int ready = left.count() > 0 ? ::poll(&waited, 1, static_cast<int>(left.count())) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) return fail(ErrorCode::timed_out, "the domain's XML did not come in time");
        const ssize_t count = ready < 0 ? -1 : ::read(fd, part.data(), part.size());
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count < 0) return tl::unexpected(error_from_errno("reading the domain's XML", errno));
        if (count == 0) return text;
        text.append(part.data(), static_cast<std::size_t>(count));
        if (text.size() > kLongestXml) return fail(ErrorCode::bad_value, "the domain's XML is longer than 1 MiB");
    }
}

}  // namespace aerostat::host::app
