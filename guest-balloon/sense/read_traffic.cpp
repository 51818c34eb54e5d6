#include "guest-balloon/sense/read_traffic.h"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <system_error>

#include "procfs/file_text.h"
#include "procfs/process.h"

namespace aerostat::guest {
namespace {

constexpr int kMostFolders = 256;

void add_numbers(std::string_view text, std::size_t most, std::vector<pid_t>& into) {
    std::string_view line;
    while (into.size() <= most && procfs::next_line(text, line)) {
        pid_t pid = 0;
        if (std::from_chars(line.data(), line.data() + line.size(), pid).ec == std::errc()) into.push_back(pid);
    }
}

// A container may have made groups below its own.
std::vector<pid_t> processes_below(const std::string& directory, std::size_t most) {
    namespace fs = std::filesystem;
    std::vector<pid_t> pids;
    std::error_code error;
    if (const auto own = procfs::read_text(directory + "/cgroup.procs")) add_numbers(*own, most, pids);
    int folders = 0;
    for (fs::recursive_directory_iterator at(directory, fs::directory_options::skip_permission_denied, error), end;
         !error && at != end && folders < kMostFolders && pids.size() <= most; at.increment(error)) {
        if (!at->is_directory(error)) continue;
        ++folders;
        if (const auto text = procfs::read_text(at->path().string() + "/cgroup.procs")) add_numbers(*text, most, pids);
    }
    return pids;
}

}  // namespace

std::vector<pid_t> ReadTraffic::processes(const std::optional<procfs::MemoryCgroup>& cgroup) const {
    if (cgroup) return processes_below(cgroup->directory, kMost);
    std::vector<pid_t> pids;
    std::error_code error;
    for (std::filesystem::directory_iterator at(root_ + "/proc", error), end; !error && at != end && pids.size() <= kMost;
         at.increment(error)) {
        add_numbers(at->path().filename().string(), kMost, pids);
    }
    return pids;
}

// What was read since the last look, child and parent alike.
std::optional<std::uint64_t> ReadTraffic::grown(const std::vector<pid_t>& pids, Reads& now) const {
    std::uint64_t sum = 0;
    for (const pid_t pid : pids) {
        if (pid == ::getpid()) continue;
        const auto reads = procfs::reads_from_memory(pid, root_);
        if (!reads && reads.error().code == ErrorCode::not_found) continue;  // it has ended
        if (!reads) return std::nullopt;
        const auto before = last_.find(pid);
        // What a process had read before it was first seen counts, but for those that were there before us.
        const std::uint64_t since = before == last_.end() ? (looked_ ? 0 : *reads) : before->second;
        sum += *reads - std::min(*reads, since);
        now[pid] = *reads;
    }
    return sum;
}

// What those had read that are gone: the kernel adds it to the parent's figure when that has waited for its child. A child
// that still waits for its parent may be in no group any more; it stays known until it is gone.
std::uint64_t ReadTraffic::ended(Reads& now) const {
    std::uint64_t sum = 0;
    for (const auto& [pid, reads] : last_) {
        if (now.contains(pid)) continue;
        const auto left = procfs::reads_from_memory(pid, root_);
        if (!left && left.error().code == ErrorCode::not_found) {
            sum += reads;
        } else if (now.size() < kMost * 2) {
            now[pid] = reads;
        }
    }
    return sum;
}

std::optional<std::uint64_t> ReadTraffic::look(const std::optional<procfs::MemoryCgroup>& cgroup) {
    const std::vector<pid_t> pids = processes(cgroup);
    if (pids.empty() || pids.size() > kMost) return std::nullopt;
    Reads now;
    const auto all = grown(pids, now);
    if (!all) return std::nullopt;
    // A parent that was looked at just before its child ended shows it in the next look: not later, for it may never.
    const std::uint64_t news = *all - std::min(*all, handed_on_);
    const std::uint64_t gone = ended(now);
    sum_ += news - std::min(news, gone);
    handed_on_ = gone - std::min(news, gone);
    last_ = std::move(now);
    looked_ = true;
    return sum_;
}

}  // namespace aerostat::guest
