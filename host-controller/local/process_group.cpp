#include "host-controller/local/process_group.h"

#include <charconv>

namespace aerostat::host::local {
namespace {

constexpr std::string_view kSession = "session:";
constexpr std::string_view kCgroup = "cgroup:";

bool is_inside(const std::string& cgroup, const std::string& outer) {
    if (cgroup == outer || outer == "/") return true;
    return cgroup.size() > outer.size() && cgroup.starts_with(outer) && cgroup[outer.size()] == '/';
}

template <class Number>
bool take_number(std::string_view& text, Number& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

}  // namespace

std::string ProcessGroup::text() const {
    if (!cgroup.empty()) return std::string(kCgroup) + cgroup;
    return std::string(kSession) + std::to_string(session) + ":" + std::to_string(session_start);
}

Result<Place> place_of(pid_t pid) {
    auto stat = procfs::read_stat(pid);
    if (!stat) return tl::unexpected(stat.error());
    auto cgroup = procfs::cgroup_of(pid);
    if (!cgroup) return tl::unexpected(cgroup.error());
    const auto leader = procfs::read_stat(stat->session);
    const bool leads = leader && leader->session == stat->session;
    return Place{pid, stat->session, leads ? leader->start_ticks : stat->start_ticks, *std::move(cgroup)};
}

Result<ProcessGroup> group_of(const Place& peer, const Place& own) {
    if (!is_inside(own.cgroup, peer.cgroup)) return ProcessGroup{0, 0, peer.cgroup};
    if (peer.session != own.session && peer.session > 0) return ProcessGroup{peer.session, peer.session_start, ""};
    return fail(ErrorCode::refused,
                "process " + std::to_string(peer.pid) +
                    " shares session and cgroup with aerostat-hostd, so its memory could not be told from others'; "
                    "start the guest with setsid or in its own cgroup");
}

Result<ProcessGroup> parse_group(const std::string& text) {
    std::string_view rest = text;
    if (rest.starts_with(kCgroup) && rest.size() > kCgroup.size() && rest[kCgroup.size()] == '/') {
        return ProcessGroup{0, 0, std::string(rest.substr(kCgroup.size()))};
    }
    ProcessGroup group;
    if (rest.starts_with(kSession)) {
        rest.remove_prefix(kSession.size());
        const bool session = take_number(rest, group.session) && group.session > 0 && rest.starts_with(':');
        if (session) rest.remove_prefix(1);
        if (session && take_number(rest, group.session_start) && rest.empty()) return group;
    }
    return fail(ErrorCode::bad_value, "\"" + text + "\" is no group of processes");
}

bool belongs(const ProcessGroup& group, pid_t session, const std::string& cgroup) {
    return group.cgroup.empty() ? session == group.session : is_inside(cgroup, group.cgroup);
}

}  // namespace aerostat::host::local
