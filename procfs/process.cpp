#include "procfs/process.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <memory>
#include <optional>

#include "procfs/file_text.h"

namespace aerostat::procfs {
namespace {

template <class T>
bool to_number(std::string_view text, T& value) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

// The names of a directory that are numbers: pids of /proc, tids of /proc/self/task.
Result<std::vector<pid_t>> numeric_entries(const char* path) {
    const auto close = [](DIR* directory) { ::closedir(directory); };
    const std::unique_ptr<DIR, decltype(close)> directory(::opendir(path), close);
    if (!directory) return tl::unexpected(error_from_errno(std::string("listing ") + path, errno));
    std::vector<pid_t> numbers;
    while (const dirent* entry = ::readdir(directory.get())) {
        pid_t number = 0;
        if (to_number(std::string_view(entry->d_name), number)) numbers.push_back(number);
    }
    return numbers;
}

// "9:memory:/a/b" -> controllers "memory", path "/a/b".
bool split_cgroup_line(std::string_view line, std::string_view& controllers, std::string_view& path) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) return false;
    controllers = line.substr(first + 1, second - first - 1);
    path = line.substr(second + 1);
    return true;
}

}  // namespace

Result<ProcessStat> parse_stat(std::string_view text) {
    // The name stands in parentheses and may itself contain anything, also ") ": the last one ends it.
    const std::size_t open = text.find('(');
    const std::size_t close = text.rfind(')');
    ProcessStat stat;
    if (open == std::string_view::npos || close == std::string_view::npos || close < open || open < 2 ||
        !to_number(text.substr(0, open - 1), stat.pid)) {
        return fail(ErrorCode::bad_value, "not a process's stat file");
    }
    stat.name = text.substr(open + 1, close - open - 1);
    // Fields from number 3 (state) on, as proc(5) counts them; the last one wanted is 22.
    std::array<std::string_view, 23> fields{};
    std::string_view rest = text.substr(close + 1);
    for (std::size_t i = 3; i < fields.size(); ++i) {
        while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\n')) rest.remove_prefix(1);
        const std::size_t end = std::min(rest.find(' '), rest.size());
        fields[i] = rest.substr(0, end);
        rest.remove_prefix(end);
    }
    std::uint64_t user = 0;
    std::uint64_t system = 0;
    if (fields[3].size() != 1 || !to_number(fields[4], stat.parent) || !to_number(fields[5], stat.process_group) ||
        !to_number(fields[6], stat.session) || !to_number(fields[14], user) || !to_number(fields[15], system) ||
        !to_number(fields[22], stat.start_ticks)) {
        return fail(ErrorCode::bad_value, "not a process's stat file");
    }
    stat.state = fields[3].front();
    const auto ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    constexpr std::uint64_t kMostTicks = 1ULL << 50U;  // a corrupt value must not overflow the product
    const std::uint64_t ticks = std::min(user, kMostTicks) + std::min(system, kMostTicks);
    stat.cpu_time = std::chrono::milliseconds(
        static_cast<std::int64_t>(std::min<std::uint64_t>(ticks, 1ULL << 40U) * 1000 / ticks_per_second));
    return stat;
}

Result<ProcessStat> read_stat(pid_t pid) {
    auto text = read_text("/proc/" + std::to_string(pid) + "/stat");
    if (!text) return tl::unexpected(text.error());
    return parse_stat(*text);
}

Result<std::vector<pid_t>> list_processes() { return numeric_entries("/proc"); }

Result<std::vector<std::string>> arguments_of(pid_t pid) {
    auto text = read_text("/proc/" + std::to_string(pid) + "/cmdline");
    if (!text) return tl::unexpected(text.error());
    std::vector<std::string> arguments;
    for (std::size_t begin = 0; begin < text->size();) {
        const std::size_t end = std::min(text->find('\0', begin), text->size());
        arguments.push_back(text->substr(begin, end - begin));
        begin = end + 1;
    }
    return arguments;
}

Result<std::string> executable_of(pid_t pid) {
    const std::string link = "/proc/" + std::to_string(pid) + "/exe";
    std::array<char, 4096> path{};
    const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
    if (length < 0) return tl::unexpected(process_file_error(link, errno));
    return std::string(path.data(), static_cast<std::size_t>(length));
}

Result<std::uint64_t> parse_reads_from_memory(std::string_view io) {
    std::optional<std::uint64_t> asked;
    std::uint64_t fetched = 0;
    std::string_view line;
    while (next_line(io, line)) {
        std::uint64_t value = 0;
        if (line.starts_with("rchar: ") && to_number(line.substr(7), value)) asked = value;
        if (line.starts_with("read_bytes: ") && to_number(line.substr(12), value)) fetched = value;
    }
    if (!asked) return fail(ErrorCode::bad_value, "no rchar in a process's io");
    return *asked - std::min(*asked, fetched);
}

Result<std::uint64_t> reads_from_memory(pid_t pid, const std::string& root) {
    auto text = read_text(root + "/proc/" + std::to_string(pid) + "/io", 4096);
    if (!text) return tl::unexpected(text.error());
    return parse_reads_from_memory(*text);
}

Result<std::string> cgroup_of(pid_t pid) {
    auto text = read_text("/proc/" + std::to_string(pid) + "/cgroup");
    if (!text) return tl::unexpected(text.error());
    std::string_view rest = *text;
    std::string_view line;
    std::string memory = "/";
    while (next_line(rest, line)) {
        std::string_view controllers;
        std::string_view path;
        if (!split_cgroup_line(line, controllers, path)) continue;
        if (controllers.empty() && path != "/") return std::string(path);
        if (controllers == "memory") memory = path;
    }
    return memory;
}

Result<ResidentParts> parse_resident_parts(std::string_view status) {
    ResidentParts parts;
    int found = 0;
    std::string_view line;
    while (next_line(status, line)) {
        std::uint64_t bytes = 0;
        Bytes* part = nullptr;
        if (read_kib_field(line, "RssAnon", bytes))
            part = &parts.anonymous;
        else if (read_kib_field(line, "RssFile", bytes))
            part = &parts.file;
        else if (read_kib_field(line, "RssShmem", bytes))
            part = &parts.shared;
        if (!part) continue;
        *part = Bytes(bytes);
        ++found;
    }
    if (found != 3) return fail(ErrorCode::unsupported, "this kernel does not tell RssAnon, RssFile and RssShmem");
    return parts;
}

Result<ResidentParts> resident_parts_of(pid_t pid) {
    const auto text = read_text("/proc/" + std::to_string(pid) + "/status");
    if (!text) return tl::unexpected(text.error());
    return parse_resident_parts(*text);
}

Result<Bytes> own_memory_but_shared() {
    return resident_parts_of(::getpid()).map([](const ResidentParts& parts) { return parts.anonymous + parts.file; });
}

Result<Bytes> anonymous_memory_of(pid_t pid) {
    return resident_parts_of(pid).map([](const ResidentParts& parts) { return parts.anonymous; });
}

Result<std::vector<OwnThread>> own_threads() {
    auto tids = numeric_entries("/proc/self/task");
    if (!tids) return tl::unexpected(tids.error());
    std::vector<OwnThread> threads;
    for (const pid_t tid : *tids) {
        auto name = read_text("/proc/self/task/" + std::to_string(tid) + "/comm");
        if (!name) continue;  // ended in between
        while (!name->empty() && name->back() == '\n') name->pop_back();
        threads.push_back({tid, *std::move(name)});
    }
    return threads;
}

Result<Duration> own_thread_cpu(pid_t tid) {
    // The kernel's encoding of a per-thread CPU clock id (include/linux/posix-timers.h: CPUCLOCK_PERTHREAD |
    // CPUCLOCK_SCHED).
    const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(tid) << 3U) | 6U);
    timespec value{};
    if (::clock_gettime(clock, &value) != 0)
        return fail(ErrorCode::not_found, "thread " + std::to_string(tid) + " has ended");
    return std::chrono::seconds(value.tv_sec) + std::chrono::nanoseconds(value.tv_nsec);
}

}  // namespace aerostat::procfs
