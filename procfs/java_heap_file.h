#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "contract/error.h"
#include "procfs/smaps.h"

// ZGC keeps its heap in a memory file. What that holds are its blocks: pages that no mapping shows count too, such as those
// of a heap that has been committed and not yet been touched.
namespace aerostat::procfs {

/// How the kernel names it in /proc/PID/maps and /proc/PID/fd.
inline constexpr std::string_view kJavaHeapFile = "/memfd:java_heap";

/// A process with a Java heap in a memory file, if it has one, told apart.
struct ProcessMemory {
    Residency rest;           ///< all but the heap
    std::string heap_file{};  ///< the heap's open descriptor, such as /proc/PID/fd/7; empty: none, or it counts in `rest`
    Bytes heap{};             ///< its blocks
};

/// process_residency() with a Java heap in a memory file counted by its blocks. Where the file cannot be looked at, its
/// mappings count as they are.
/// Cost: one more pass over /proc/PID/maps, and for such a process a walk of all its mappings. Fails: as
/// process_residency().
[[nodiscard]] Result<ProcessMemory> process_memory_parts(pid_t pid);
/// The same in one sum, in `rss` and `pss`.
[[nodiscard]] Result<Residency> process_memory(pid_t pid);

/// Whether a path such as /proc/PID/fd/7 is that file's.
[[nodiscard]] bool is_java_heap_file(const std::string& path);

/// The open descriptor of that file in a process, such as "/proc/PID/fd/7". Fails: `not_found`, `denied`, `io`.
[[nodiscard]] Result<std::string> find_java_heap_file(pid_t pid);

/// Bytes that the memory file behind this descriptor of a process holds (a path such as /proc/PID/fd/7).
/// Fails: `not_found`, `denied`, `io`.
[[nodiscard]] Result<Bytes> file_blocks(const std::string& path);

}  // namespace aerostat::procfs
