#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "contract/clock.h"
#include "contract/error.h"
#include "contract/units.h"

namespace aerostat::procfs {

/// What identifies a process and its place among others (/proc/PID/stat).
struct ProcessStat {
    pid_t pid = 0;
    std::string name;  ///< comm, at most 15 bytes
    char state = '?';
    pid_t parent = 0;
    pid_t process_group = 0;
    pid_t session = 0;
    std::uint64_t start_ticks = 0;  ///< with the pid: identity that survives pid reuse
    Duration cpu_time{};            ///< user + system, of all threads, finished ones too
};

/// Fails: `not_found`, `io`.
[[nodiscard]] Result<ProcessStat> read_stat(pid_t pid);
[[nodiscard]] Result<ProcessStat> parse_stat(std::string_view text);

/// All process ids now visible. A process may be gone by the time it is looked at.
[[nodiscard]] Result<std::vector<pid_t>> list_processes();

/// The arguments a process was started with (it may have overwritten them); none for a zombie or a kernel thread.
/// Fails: `not_found`, `io`.
[[nodiscard]] Result<std::vector<std::string>> arguments_of(pid_t pid);
/// The file it runs; " (deleted)" is appended where it was replaced. Fails: `not_found`, `denied`, `io`.
[[nodiscard]] Result<std::string> executable_of(pid_t pid);

/// Bytes that a process (and those of its children it has waited for) has asked for by read calls and did not have to be
/// fetched from a disk. Sockets and pipes count, memory that is mapped does not. Fails: `not_found`, `denied`, `io`.
[[nodiscard]] Result<std::uint64_t> reads_from_memory(pid_t pid, const std::string& root = {});
[[nodiscard]] Result<std::uint64_t> parse_reads_from_memory(std::string_view io);

/// The process's cgroup: v2 path if it is not the root, else the v1 memory controller's path, else "/".
[[nodiscard]] Result<std::string> cgroup_of(pid_t pid);

/// What the kernel counts of a process all the time: its resident pages, by kind. Shared pages count in full, once for each
/// mapping. Cost: some microseconds. Not exact: each processor may hold back a few pages' worth.
struct ResidentParts {
    Bytes anonymous;
    Bytes file;
    Bytes shared;  ///< shared memory: tmpfs, memory files, System V
    bool operator==(const ResidentParts&) const = default;
};
/// RssAnon, RssFile and RssShmem of /proc/PID/status, which every user may read.
/// Fails: `not_found`, `unsupported` (kernel without these lines), `io`.
[[nodiscard]] Result<ResidentParts> resident_parts_of(pid_t pid);
[[nodiscard]] Result<ResidentParts> parse_resident_parts(std::string_view status);

/// Resident memory of this process but shared memory: no walk of page tables. Fails: as resident_parts_of.
[[nodiscard]] Result<Bytes> own_memory_but_shared();
/// Resident anonymous memory of a process. Fails: as resident_parts_of.
[[nodiscard]] Result<Bytes> anonymous_memory_of(pid_t pid);

/// A thread of this process.
struct OwnThread {
    pid_t tid = 0;
    std::string name;
};
[[nodiscard]] Result<std::vector<OwnThread>> own_threads();
/// CPU time of one of our own threads, to the nanosecond (its CPU clock). Fails: `not_found` once it has ended.
[[nodiscard]] Result<Duration> own_thread_cpu(pid_t tid);

}  // namespace aerostat::procfs
