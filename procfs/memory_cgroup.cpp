#include "procfs/memory_cgroup.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "procfs/file_text.h"

namespace aerostat::procfs {
namespace {

constexpr std::uint64_t kUnlimited = 1ULL << 60U;  // v1 writes "no limit" as the largest multiple of a page

std::optional<std::uint64_t> to_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    return parsed.ec == std::errc() ? std::optional(value) : std::nullopt;
}

std::optional<Bytes> read_amount(const std::string& path) {
    const auto text = read_text(path, 4096);
    const auto value = text ? to_number(*text) : std::nullopt;  // "max": no limit
    return value && *value < kUnlimited ? std::optional(Bytes(*value)) : std::nullopt;
}

// The field of this number (from 0) of a line cut at blanks.
std::string_view word(std::string_view line, int number) {
    for (; number > 0; --number) {
        const std::size_t blank = line.find(' ');
        if (blank == std::string_view::npos) return {};
        line.remove_prefix(blank + 1);
    }
    return line.substr(0, line.find(' '));
}

bool lists(std::string_view words, std::string_view wanted) {
    while (!words.empty()) {
        const std::size_t comma = std::min(words.find(','), words.size());
        if (words.substr(0, comma) == wanted) return true;
        words.remove_prefix(std::min(comma + 1, words.size()));
    }
    return false;
}

// Our path in the hierarchy of this version, from "9:memory:/a/b" or "0::/a/b".
std::string_view own_path(std::string_view cgroup, int version) {
    std::string_view line;
    while (next_line(cgroup, line)) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string_view::npos || second == std::string_view::npos) continue;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        if (version == 2 ? controllers.empty() : lists(controllers, "memory")) return line.substr(second + 1);
    }
    return {};
}

// "36 35 0:32 ROOT MOUNT options … - TYPE source SUPER"
bool is_hierarchy(std::string_view line, int version) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) return false;
    const std::string_view behind = line.substr(dash + 3);
    if (version == 2) return word(behind, 0) == "cgroup2";
    return word(behind, 0) == "cgroup" && lists(word(behind, 2), "memory");
}

std::optional<std::uint64_t> counter_of(std::string_view text, std::string_view key) {
    std::string_view line;
    while (next_line(text, line)) {
        if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ')
            return to_number(line.substr(key.size() + 1));
    }
    return std::nullopt;
}

std::optional<Bytes> lower(std::optional<Bytes> a, std::optional<Bytes> b) { return a && b ? std::min(a, b) : a ? a : b; }

std::optional<Bytes> lowest_limit(const MemoryCgroup& cgroup, const char* file) {
    std::optional<Bytes> limit;
    std::string directory = cgroup.directory;
    for (int depth = 0; depth < 64 && directory.size() >= cgroup.top.size() && !directory.empty(); ++depth) {
        limit = lower(limit, read_amount(directory + "/" + file));
        directory.resize(directory.find_last_of('/') == std::string::npos ? 0 : directory.find_last_of('/'));
    }
    return limit;
}

void read_v2(const MemoryCgroup& cgroup, CgroupMemory& seen) {
    const std::string base = cgroup.directory + "/";
    seen.limit = lowest_limit(cgroup, "memory.max");
    seen.high = read_amount(base + "memory.high");
    seen.swap = read_amount(base + "memory.swap.current");
    seen.swap_limit = read_amount(base + "memory.swap.max");
    if (const auto events = read_text(base + "memory.events")) {
        seen.oom_kills = counter_of(*events, "oom_kill");
        seen.high_events = counter_of(*events, "high");
    }
}

void read_v1(const MemoryCgroup& cgroup, CgroupMemory& seen) {
    const std::string base = cgroup.directory + "/";
    seen.limit = lowest_limit(cgroup, "memory.limit_in_bytes");
    if (const auto both = read_amount(base + "memory.memsw.usage_in_bytes")) seen.swap = saturating_sub(*both, seen.current);
    if (const auto oom = read_text(base + "memory.oom_control")) seen.oom_kills = counter_of(*oom, "oom_kill");
}

constexpr const char* current_file(int version) { return version == 2 ? "/memory.current" : "/memory.usage_in_bytes"; }

bool accounts(const MemoryCgroup& cgroup) {
    return !cgroup.directory.empty() && ::access((cgroup.directory + current_file(cgroup.version)).c_str(), R_OK) == 0;
}

// The first that counts memory, of a process whose /proc/PID/cgroup says this.
Result<MemoryCgroup> accounting_cgroup(std::string_view cgroup, const std::string& root) {
    auto mounts = read_text(root + "/proc/self/mountinfo");
    if (!mounts) return tl::unexpected(mounts.error());
    for (const int version : {2, 1}) {
        MemoryCgroup found = place_in_hierarchy(cgroup, *mounts, version);
        if (found.directory.empty()) continue;
        found.directory.insert(0, root);
        found.top.insert(0, root);
        if (accounts(found)) return found;
    }
    return fail(ErrorCode::not_found, "no memory cgroup accounts for this process");
}

}  // namespace

MemoryCgroup place_in_hierarchy(std::string_view cgroup, std::string_view mountinfo, int version) {
    MemoryCgroup found{version, {}, {}};
    const std::string_view path = own_path(cgroup, version);
    if (!path.starts_with('/')) return found;
    std::string_view line;
    while (next_line(mountinfo, line)) {
        if (!is_hierarchy(line, version)) continue;
        std::string_view inside = path;
        const std::string_view mounted = word(line, 3);  // a container may see only its own part of the tree
        if (mounted != "/") {
            if (!inside.starts_with(mounted)) continue;
            inside.remove_prefix(mounted.size());
            if (!inside.empty() && inside.front() != '/') continue;
        }
        found.top = word(line, 4);
        found.directory = found.top + std::string(inside == "/" ? "" : inside);
        return found;
    }
    return found;
}

Result<MemoryCgroup> own_memory_cgroup(const std::string& root) {
    auto cgroup = read_text(root + "/proc/self/cgroup");
    if (!cgroup) return tl::unexpected(cgroup.error());
    return accounting_cgroup(*cgroup, root);
}

Result<MemoryCgroup> memory_cgroup_named(const std::string& path, const std::string& root) {
    return accounting_cgroup("0::" + path + "\n1:memory:" + path + "\n", root);
}

Result<std::optional<MemoryCgroup>> nearest_memory_cgroup(const std::string& root) {
    auto cgroup = read_text(root + "/proc/self/cgroup");
    if (!cgroup) return tl::unexpected(cgroup.error());
    auto mounts = read_text(root + "/proc/self/mountinfo");
    if (!mounts) return tl::unexpected(mounts.error());
    bool hidden = false;
    for (const int version : {2, 1}) {
        const std::string_view path = own_path(*cgroup, version);
        MemoryCgroup found = place_in_hierarchy(*cgroup, *mounts, version);
        const bool is_below = !path.empty() && path != "/";
        const bool is_outside = path.find("/..") != std::string_view::npos;  // of what this namespace shows
        const std::string directory = root + found.directory;
        const bool is_there = !found.directory.empty() && !is_outside && ::access(directory.c_str(), R_OK) == 0;
        hidden = hidden || (is_below && !is_there);
        if (!is_there) continue;
        found.directory = directory;
        found.top.insert(0, root);
        while (found.directory.size() >= found.top.size()) {
            if (accounts(found)) return found;
            const std::size_t slash = found.directory.find_last_of('/');
            if (slash == std::string::npos) break;
            found.directory.resize(slash);
        }
    }
    if (hidden) return fail(ErrorCode::denied, "the memory cgroup of this process cannot be seen from here");
    return std::optional<MemoryCgroup>();
}

Result<MemoryCgroup> memory_cgroup_at(const std::string& directory) {
    for (const int version : {2, 1}) {
        MemoryCgroup found{version, directory, directory};
        if (accounts(found)) return found;
    }
    return fail(ErrorCode::not_found, directory + " is no memory cgroup (no memory.current in it)");
}

void parse_memory_stat(std::string_view text, int version, CgroupMemory& into) {
    const std::string prefix = version == 2 ? "" : "total_";
    const auto bytes = [&](const std::string& key) {
        return Bytes(std::min<std::uint64_t>(counter_of(text, prefix + key).value_or(0), kUnlimited));
    };
    into.active_file = bytes("active_file");
    into.inactive_file = bytes("inactive_file");
    into.anonymous = version == 2 ? bytes("anon") : bytes("rss");
    into.mapped_file = version == 2 ? bytes("file_mapped") : bytes("mapped_file");
    into.shared = bytes("shmem");
    into.refaults_file = counter_of(text, prefix + "workingset_refault_file");
    into.refaults_anon = counter_of(text, prefix + "workingset_refault_anon");
}

Result<CgroupMemory> read_memory_cgroup(const MemoryCgroup& cgroup) {
    CgroupMemory seen;
    const std::string current = cgroup.directory + current_file(cgroup.version);
    const auto now = read_amount(current);
    if (!now) return fail(ErrorCode::io, "reading " + current + " failed");
    seen.current = *now;
    if (const auto stat = read_text(cgroup.directory + "/memory.stat")) parse_memory_stat(*stat, cgroup.version, seen);
    if (cgroup.version == 2)
        read_v2(cgroup, seen);
    else
        read_v1(cgroup, seen);
    return seen;
}

}  // namespace aerostat::procfs
