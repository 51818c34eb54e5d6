#include "application-balloon/host/app/punch_desk.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include <spdlog/spdlog.h>

#include "application-balloon/host/act/punch.h"
#include "application-balloon/host/act/qemu_memory.h"
#include "application-balloon/host/virt/domain.h"

namespace aerostat::balloon::host {
namespace {

constexpr std::string_view kNote = "paused-";

/// Lets a domain that we have paused go on, unless somebody else's job or pause came on top of ours: then it is theirs when
/// it ends. False: to be tried again.
bool resume_if_ours(Domain& domain, const std::string& uuid) {
    const auto seen = domain.look(true);
    if (!seen) return seen.error().code == ErrorCode::not_found;
    if (seen->has_job) return false;
    if (!seen->is_running) return true;
    const auto resumed = domain.resume();
    if (!resumed) spdlog::error("cannot let a domain go on uuid={} reason=\"{}\"", uuid, resumed.error().message);
    return resumed.has_value();
}

/// A domain and its QEMU together.
class RunningMachine final : public Machine {
public:
    RunningMachine(Domain& domain, pid_t qemu, std::string uuid, std::string note_file)
        : domain_(domain), qemu_(qemu), uuid_(std::move(uuid)), note_file_(std::move(note_file)) {}

    Status may_be_punched() override {
        auto seen = domain_.look(pausing_);
        if (!seen) return tl::unexpected(seen.error());
        auto files = open_files_of(qemu_);
        if (!files) return tl::unexpected(files.error());
        seen->open_files = *std::move(files);
        return host::may_be_punched(*seen);
    }

    Status pause() override {
        if (auto noted = write_note(); !noted) return noted;
        auto paused = domain_.suspend();  // failed, it may be paused all the same: the note stays for the desk to look
        pausing_ = paused.has_value();
        return paused;
    }

    // What fails is tried again by the desk, which finds the note.
    void resume() override {
        pausing_ = false;
        if (!resume_if_ours(domain_, uuid_)) return spdlog::error("a domain is still paused uuid={}", uuid_);
        ::unlink(note_file_.c_str());
    }

private:
    [[nodiscard]] Status write_note() const {
        const int fd = ::open(note_file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) return tl::unexpected(error_from_errno("writing " + note_file_, errno));
        ::close(fd);
        return {};
    }

    Domain& domain_;
    pid_t qemu_;
    std::string uuid_;
    std::string note_file_;
    bool pausing_ = false;
};

std::string hex(std::uint64_t address) { return fmt::format("{:#x}", address); }

Result<std::uint64_t> host_address(Domain& domain, std::uint64_t guest_address) {
    const auto answer = domain.ask_monitor("gpa2hva " + hex(guest_address));
    if (!answer) return tl::unexpected(answer.error());
    return parse_host_address(*answer);
}

// A part that is not the guest's plain RAM (video memory is a part, too) is left out; none left is a failure.
Result<std::vector<FilePart>> memory_map(Domain& domain, pid_t qemu) {
    const auto view = domain.ask_monitor("info mtree -f");
    if (!view) return tl::unexpected(view.error());
    const auto ranges = parse_flat_view(*view);
    if (!ranges) return tl::unexpected(ranges.error());
    const auto mappings = mappings_of(qemu);
    if (!mappings) return tl::unexpected(mappings.error());
    std::vector<FilePart> parts;
    Error why;
    for (const RamRange& range : *ranges) {
        const auto first = host_address(domain, range.begin);
        const auto last = host_address(domain, range.begin + range.size - 1);
        if (!first || !last) return tl::unexpected(first ? last.error() : first.error());
        if (auto part = part_behind(range, *first, *last, *mappings)) {
            parts.push_back(*part);
        } else {
            why = part.error();
        }
    }
    if (parts.empty()) return tl::unexpected(why);
    return parts;
}

}  // namespace

PunchAnswer PunchDesk::answer(const PunchRequest& request) const {
    PunchOrder order;
    if (const auto* look = std::get_if<Look>(&request)) {
        order.id = look->id;
        order.domain = look->domain;
    } else {
        order = std::get<PunchOrder>(request);
    }
    if (!resume(order.domain)) return Refused{order.id, ErrorCode::busy, "it is still paused by an earlier order"};
    auto done = carry_out(order);
    if (!done) {
        spdlog::info("refused uuid={} reason=\"{}\"", order.domain, done.error().message);
        return Refused{order.id, done.error().code, done.error().message};
    }
    if (!order.frames.empty())
        spdlog::info("punched uuid={} pieces={} of={} wrong_pages={} outside={} freed_bytes={} paused_us={}", order.domain,
                     done->taken.size(), order.frames.size(), done->wrong, done->outside, done->freed.count(),
                     std::chrono::duration_cast<std::chrono::microseconds>(done->paused).count());
    return *std::move(done);
}

Result<Punched> PunchDesk::carry_out(const PunchOrder& order) const {
    const auto domain = open_domain(settings_.uri, order.domain);
    if (!domain) return tl::unexpected(domain.error());
    const auto qemu = find_qemu(order.domain);
    if (!qemu) return tl::unexpected(qemu.error());
    RunningMachine machine(**domain, *qemu, order.domain, note_of(order.domain));
    if (auto allowed = machine.may_be_punched(); !allowed) return tl::unexpected(allowed.error());
    const auto parts = memory_map(**domain, *qemu);
    if (!parts) return tl::unexpected(parts.error());
    const auto files = open_ram(*qemu, *parts);
    if (!files) return tl::unexpected(files.error());
    return punch(order, machine, **files, *parts, clock_);
}

std::string PunchDesk::note_of(const std::string& domain) const {
    return settings_.directory + "/" + std::string(kNote) + domain;
}

std::vector<std::string> PunchDesk::left_behind() const {
    std::vector<std::string> domains;
    std::error_code unreadable;
    for (const auto& entry : std::filesystem::directory_iterator(settings_.directory, unreadable)) {
        const std::string name = entry.path().filename();
        if (name.starts_with(kNote) && is_domain(name.substr(kNote.size()))) domains.push_back(name.substr(kNote.size()));
    }
    return domains;
}

bool PunchDesk::resume(const std::string& domain) const {
    const std::string note = note_of(domain);
    if (::access(note.c_str(), F_OK) != 0) return true;
    const auto found = open_domain(settings_.uri, domain);
    if (!found && found.error().code != ErrorCode::not_found) return false;
    if (found && !resume_if_ours(**found, domain)) return false;
    if (found) spdlog::warn("a domain that was left paused goes on uuid={}", domain);
    ::unlink(note.c_str());
    return true;
}

}  // namespace aerostat::balloon::host
