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

Result<std::string> find_java_heap_file(pid_t pid) {
    std::error_code error;
    const std::string folder = "/proc/" + std::to_string(pid) + "/fd";
    for (auto it = std::filesystem::directory_iterator(folder, error); !error && it != std::filesystem::directory_iterator();
         it.increment(error)) {
        std::error_code gone;
        const std::string target = std::filesystem::read_symlink(it->path(), gone).string();
        if (!gone && target.starts_with(kJavaHeapFile)) return it->path().string();
    }
    if (error) return tl::unexpected(process_file_error(folder, error.value()));
    return fail(ErrorCode::not_found, "process " + std::to_string(pid) + " has no Java heap in a memory file");
}

Result<Residency> process_memory(pid_t pid) {
    const auto maps = read_maps(pid);
    if (!maps) return tl::unexpected(maps.error());
    if (std::none_of(maps->begin(), maps->end(), is_heap)) return process_residency(pid);
    const auto file = find_java_heap_file(pid);
    if (!file) return process_residency(pid);
    const auto blocks = file_blocks(*file);
    if (!blocks) return process_residency(pid);
    auto rest = residency_of(pid, [](const Mapping& mapping) { return !is_heap(mapping); });
    if (!rest) return rest;
    rest->rss += *blocks;
    rest->pss += *blocks;
    return rest;
}

}  // namespace aerostat::procfs
