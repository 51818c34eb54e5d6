#include "procfs/java_heap_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "procfs/file_text.h"
#include "procfs/maps.h"

namespace aerostat::procfs {
namespace {

constexpr std::uint64_t kBlockBytes = 512;  // of st_blocks, whatever the file system

bool is_heap(const Mapping& mapping) { return mapping.shared && std::string_view(mapping.path).starts_with(kJavaHeapFile); }

}  // namespace

Result<Bytes> file_blocks(const std::string& path) {
    struct stat state {};
    if (stat(path.c_str(), &state) != 0) return tl::unexpected(process_file_error(path, errno));
    return Bytes(static_cast<std::uint64_t>(state.st_blocks) * kBlockBytes);
}

bool is_java_heap_file(const std::string& path) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(path, gone).string();
    return !gone && target.starts_with(kJavaHeapFile);
}

Result<std::string> find_java_heap_file(pid_t pid) {
    std::error_code error;
    const std::string folder = "/proc/" + std::to_string(pid) + "/fd";
    for (auto it = std::filesystem::directory_iterator(folder, error); !error && it != std::filesystem::directory_iterator();
         it.increment(error)) {
        if (is_java_heap_file(it->path().string())) return it->path().string();
    }
    if (error) return tl::unexpected(process_file_error(folder, error.value()));
    return fail(ErrorCode::not_found, "process " + std::to_string(pid) + " has no Java heap in a memory file");
}

Result<ProcessMemory> process_memory_parts(pid_t pid) {
    const auto whole = [pid] { return process_residency(pid).map([](const Residency& all) { return ProcessMemory{all}; }); };
    const auto maps = read_maps(pid);
    if (!maps) return tl::unexpected(maps.error());
    if (std::none_of(maps->begin(), maps->end(), is_heap)) return whole();
    const auto file = find_java_heap_file(pid);
    if (!file) return whole();
    const auto blocks = file_blocks(*file);
    if (!blocks) return whole();
    const auto rest = residency_of(pid, [](const Mapping& mapping) { return !is_heap(mapping); });
    if (!rest) return tl::unexpected(rest.error());
    return ProcessMemory{*rest, *file, *blocks};
}

Result<Residency> process_memory(pid_t pid) {
    auto parts = process_memory_parts(pid);
    if (!parts) return tl::unexpected(parts.error());
    parts->rest.rss += parts->heap;
    parts->rest.pss += parts->heap;
    return parts->rest;
}

}  // namespace aerostat::procfs
