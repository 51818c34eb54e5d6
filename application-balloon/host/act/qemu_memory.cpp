#include "application-balloon/host/act/qemu_memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>

#include "procfs/maps.h"
#include "procfs/process.h"

namespace aerostat::balloon::host {
namespace {

constexpr std::string_view kMemfd = "/memfd:";
constexpr std::size_t kMostDescriptors = 65536;

bool runs_domain(pid_t pid, const std::string& uuid) {
    const auto arguments = procfs::arguments_of(pid);
    if (!arguments || arguments->empty() || arguments->front().find("qemu") == std::string::npos) return false;
    for (std::size_t at = 0; at + 1 < arguments->size(); ++at) {
        if ((*arguments)[at] == "-uuid" && (*arguments)[at + 1] == uuid) return true;
    }
    return false;
}

struct Descriptor {
    std::string path;  ///< under /proc
    std::string target;
};

Result<std::vector<Descriptor>> descriptors_of(pid_t pid) {
    const std::string folder = "/proc/" + std::to_string(pid) + "/fd";
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(folder.c_str()), ::closedir);
    if (!directory) {
        Error error = error_from_errno("reading " + folder, errno);
        error.code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::denied;
        return tl::unexpected(error);
    }
    std::vector<Descriptor> found;
    while (const dirent* const entry = ::readdir(directory.get())) {
        std::array<char, PATH_MAX> target{};
        std::string path = folder + "/" + static_cast<const char*>(entry->d_name);
        const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
        if (length > 0) found.push_back({std::move(path), std::string(target.data(), static_cast<std::size_t>(length))});
        if (found.size() > kMostDescriptors) return fail(ErrorCode::refused, "QEMU has too many files open");
    }
    return found;
}

class UniqueFd {
public:
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&&) = delete;
    ~UniqueFd() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

class QemuRam final : public RamFiles {
public:
    explicit QemuRam(std::map<std::uint64_t, UniqueFd> files) : files_(std::move(files)) {}

    Status read(const Place& place, std::span<std::byte> to) override {
        std::size_t have = 0;
        while (have < to.size()) {
            const auto rest = to.subspan(have);
            const ssize_t got =
                ::pread(files_.at(place.inode).get(), rest.data(), rest.size(), static_cast<off_t>(place.offset + have));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return tl::unexpected(error_from_errno("reading guest RAM", got == 0 ? EIO : errno));
            have += static_cast<std::size_t>(got);
        }
        return {};
    }

    Status punch(const Place& place) override {
        const int fd = files_.at(place.inode).get();
        if (::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(place.offset),
                        static_cast<off_t>(kPiece.count())) == 0)
            return {};
        return tl::unexpected(error_from_errno("giving guest RAM back", errno));
    }

    Bytes held() override {
        Bytes sum;
        for (const auto& [inode, file] : files_) {
            struct stat info {};
            if (::fstat(file.get(), &info) == 0) sum += Bytes(static_cast<std::uint64_t>(info.st_blocks) * 512);
        }
        return sum;
    }

private:
    std::map<std::uint64_t, UniqueFd> files_;
};

}  // namespace

Result<pid_t> find_qemu(const std::string& uuid) {
    const auto pids = procfs::list_processes();
    if (!pids) return tl::unexpected(pids.error());
    pid_t found = 0;
    for (const pid_t pid : *pids) {
        if (!runs_domain(pid, uuid)) continue;
        if (found != 0) return fail(ErrorCode::refused, "several processes claim to be the domain's QEMU");
        found = pid;
    }
    if (found == 0) return fail(ErrorCode::not_found, "no QEMU with -uuid " + uuid + " can be seen from here");
    return found;
}

Result<std::vector<HostMapping>> mappings_of(pid_t qemu) {
    const auto mappings = procfs::read_maps(qemu);
    if (!mappings) return tl::unexpected(mappings.error());
    std::vector<HostMapping> found;
    for (const procfs::Mapping& one : *mappings)
        found.push_back({one.range.begin, one.range.end, one.inode, one.offset, one.shared && one.path.starts_with(kMemfd)});
    return found;
}

Result<std::vector<std::string>> open_files_of(pid_t qemu) {
    const auto descriptors = descriptors_of(qemu);
    if (!descriptors) return tl::unexpected(descriptors.error());
    std::vector<std::string> targets;
    for (const Descriptor& one : *descriptors) targets.push_back(one.target);
    return targets;
}

Result<std::unique_ptr<RamFiles>> open_ram(pid_t qemu, const std::vector<FilePart>& parts) {
    const auto descriptors = descriptors_of(qemu);
    if (!descriptors) return tl::unexpected(descriptors.error());
    std::map<std::uint64_t, UniqueFd> files;
    std::map<std::uint64_t, dev_t> devices;
    for (const Descriptor& one : *descriptors) {
        if (!one.target.starts_with(kMemfd)) continue;
        UniqueFd fd(::open(one.path.c_str(), O_RDWR | O_CLOEXEC));
        struct stat info {};
        if (fd.get() < 0) return tl::unexpected(error_from_errno("opening guest RAM " + one.path, errno));
        if (::fstat(fd.get(), &info) != 0) return tl::unexpected(error_from_errno("looking at guest RAM", errno));
        const bool wanted =
            std::any_of(parts.begin(), parts.end(), [&info](const FilePart& part) { return part.inode == info.st_ino; });
        if (!wanted) continue;
        if (const auto known = devices.find(info.st_ino); known != devices.end() && known->second != info.st_dev)
            return fail(ErrorCode::not_found, "two files of QEMU's could be the same part of the guest's RAM");
        devices[info.st_ino] = info.st_dev;
        files.emplace(info.st_ino, std::move(fd));
    }
    const bool all =
        std::all_of(parts.begin(), parts.end(), [&](const FilePart& part) { return files.contains(part.inode); });
    if (!all) return fail(ErrorCode::not_found, "QEMU has a part of the guest's RAM no longer open");
    return std::make_unique<QemuRam>(std::move(files));
}

}  // namespace aerostat::balloon::host
