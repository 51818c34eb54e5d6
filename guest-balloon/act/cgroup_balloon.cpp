#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sstream>

#include "guest-balloon/act/os_balloon.h"
#include "procfs/file_text.h"

namespace aerostat::guest {
namespace {

/// A control file of a cgroup, kept open for writing.
class ControlFile {
public:
    explicit ControlFile(std::string path, int flags = 0)
        : path_(std::move(path)), fd_(::open(path_.c_str(), O_RDWR | O_CLOEXEC | flags)) {
        if (fd_ < 0) trouble_ = path_ + ": " + std::strerror(errno);
    }
    ~ControlFile() {
        if (fd_ >= 0) ::close(fd_);
    }
    ControlFile(const ControlFile&) = delete;
    ControlFile& operator=(const ControlFile&) = delete;

    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    [[nodiscard]] Status write(std::string_view text) const {
        if (put(text)) return {};
        const int number = errno;
        Error error = error_from_errno("writing " + path_, number);
        if (number == EAGAIN || number == EBUSY) error.code = ErrorCode::busy;
        if (number == EACCES || number == EPERM || number == EROFS) error.code = ErrorCode::denied;
        return tl::unexpected(error);
    }
    bool put(std::string_view text) const noexcept {
        return ::pwrite(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    }
    [[nodiscard]] std::optional<std::string> read() const {
        auto text = procfs::read_text(path_, 4096);
        if (!text) return std::nullopt;
        while (!text->empty() && text->back() == '\n') text->pop_back();
        return *std::move(text);
    }

private:
    std::string path_;
    int fd_;
    std::string trouble_;
};

/// What was allowed before us, in our runtime directory: a daemon that died leaves its limit behind.
class Kept {
public:
    explicit Kept(std::string path) : path_(std::move(path)) {}
    /// One line: "ORIGINAL OURS BEFORE SWAPPINESS", "-" for none. The limit is ours if it is the one that was to be set, or,
    /// where that did not come about, the one we held before.
    struct Note {
        std::string original;
        std::string ours;
        std::string before;
        std::string swappiness;
        [[nodiscard]] bool explains(const std::string& now) const { return now == ours || now == before; }
    };
    [[nodiscard]] std::optional<Note> read() const {
        const auto text = procfs::read_text(path_, 256);
        if (!text) return std::nullopt;
        Note note;
        std::istringstream words(*text);
        if (!(words >> note.original >> note.ours)) return std::nullopt;
        words >> note.before >> note.swappiness;
        return note;
    }
    void remember(const Note& note) const {
        const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0) return;  // then only a crash is not mended
        const std::string text = note.original + " " + note.ours + " " + note.before + " " + note.swappiness;
        if (::write(fd, text.data(), text.size()) < 0) ::unlink(path_.c_str());
        ::close(fd);
    }
    void forget() const { ::unlink(path_.c_str()); }

private:
    std::string path_;
};

// The limit of a cgroup as the hold: memory.high (v2: above it the kernel reclaims, nobody is killed), or the limit (v1).
class CgroupBalloon final : public OsBalloon {
public:
    CgroupBalloon(int version, const std::string& directory, std::string kept_file)
        : version_(version),
          limit_(limit_file(version, directory)),
          release_(limit_file(version, directory), O_NONBLOCK),
          reclaim_(directory + "/memory.reclaim"),
          swappiness_(directory + "/memory.swappiness"),
          kept_(std::move(kept_file)) {
        if (!limit_.is_open()) return;
        take_over(limit_.read().value_or("max"));
        if (version_ == 1 && swappiness_.is_open()) spares_swap_ = true;
        if (version_ == 2 && reclaim_.is_open()) spares_swap_ = reclaim_.put("0 swappiness=0");
    }
    ~CgroupBalloon() override { release_now(); }

    [[nodiscard]] std::string name() const override { return version_ == 2 ? "cgroup-v2" : "cgroup-v1"; }
    [[nodiscard]] std::string why_not() const override {
        if (limit_.is_open() && release_.is_open()) return "";
        return "the container's limit cannot be written: " + (limit_.is_open() ? release_ : limit_).trouble();
    }
    [[nodiscard]] bool spares_swap() const override { return spares_swap_; }

    [[nodiscard]] bool reclaims_without_limit() const override { return version_ == 2 && reclaim_.is_open(); }

    Status reclaim(Bytes bytes, Bytes holding, std::uint64_t decided_at) override {
        if (!reclaims_without_limit()) return squeeze(saturating_sub(holding, bytes), decided_at);
        if (releases_ != decided_at) return let_go();
        const std::string amount = std::to_string(bytes.count());
        return reclaim_.write(spares_swap_ ? amount + " swappiness=0" : amount);
    }

    Status hold(std::optional<Bytes> most, std::uint64_t decided_at) override {
        if (most) return squeeze(*most, decided_at);
        if (!may_hold_) return {};  // what is allowed is others' business, and may have changed
        Digits digits{};
        auto restored = limit_.write(text_of(original_, digits));
        if (restored) nothing_is_held();
        return restored;
    }

    [[nodiscard]] std::optional<Bytes> held() const override {
        const std::uint64_t held = held_;
        return held == kNothing ? std::nullopt : std::optional(Bytes(held));
    }

    [[nodiscard]] std::optional<Bytes> allowed() const override {
        const std::uint64_t original = original_;
        return original == kNothing ? std::nullopt : std::optional(Bytes(std::min(original, Bytes::kLimit)));
    }

    void release_now() noexcept override {
        ++releases_;
        if (may_hold_) put_back(release_);
    }
    [[nodiscard]] std::uint64_t releases() const noexcept override { return releases_; }

private:
    static std::string limit_file(int version, const std::string& directory) {
        return directory + (version == 2 ? "/memory.high" : "/memory.limit_in_bytes");
    }
    static constexpr std::uint64_t kNothing = ~0ULL;
    static std::uint64_t to_number(const std::string& text) {
        std::uint64_t value = 0;
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
        return parsed.ec == std::errc() ? value : kNothing;
    }
    static Status let_go() { return fail(ErrorCode::busy, "let go: the guest began to stall"); }
    using Digits = std::array<char, 24>;
    static std::string_view text_of(std::uint64_t number, Digits& digits) noexcept {
        if (number == kNothing) return "max";
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        return {digits.data(), static_cast<std::size_t>(end - digits.data())};
    }
    // What a daemon before us has left.
    void take_over(const std::string& now) {
        original_ = to_number(now);
        const auto note = kept_.read();
        if (!note) return;
        if (version_ == 1) swappiness_before_ = to_number(note->swappiness);
        if (!note->explains(now) || note->original == now) return restore_swappiness();
        original_ = to_number(note->original);
        held_ = to_number(now);
        may_hold_ = true;
    }
    void restore_swappiness() noexcept {
        Digits digits{};
        const std::uint64_t before = swappiness_before_.exchange(kNothing);
        if (before != kNothing) swappiness_.put(text_of(before, digits));
    }
    void put_back(const ControlFile& through) noexcept {
        Digits digits{};
        if (through.put(text_of(original_, digits))) nothing_is_held();
    }
    // While nothing is held, what is allowed is others' business, and may have changed.
    void look_at_what_is_allowed() {
        if (const auto now = limit_.read()) original_ = to_number(*now);
        if (version_ == 1) swappiness_before_ = to_number(swappiness_.read().value_or("-"));
    }
    void remember(const std::string& ours) const {
        Digits original{};
        Digits before{};
        Digits swappiness{};
        const std::uint64_t held = held_;
        const std::uint64_t swaps = swappiness_before_;
        kept_.remember({std::string(text_of(original_, original)), ours,
                        held == kNothing ? "-" : std::string(text_of(held, before)),
                        swaps == kNothing ? "-" : std::string(text_of(swaps, swappiness))});
    }
    void nothing_is_held() noexcept {
        restore_swappiness();
        held_ = kNothing;
        may_hold_ = false;
        kept_.forget();
    }
    Status squeeze(Bytes most, std::uint64_t decided_at) {
        if (releases_ != decided_at) return let_go();
        const Bytes whole(most.count() / 4096 * 4096);
        const std::string text = std::to_string(whole.count());
        if (!may_hold_) look_at_what_is_allowed();
        remember(text);
        if (version_ == 1 && swappiness_.is_open()) static_cast<void>(swappiness_.put("0"));
        // The kernel sets the limit first and then works on it, maybe for long: a release must see it until we are back.
        may_hold_ = true;
        auto written = limit_.write(text);
        if (written) held_ = whole.count();
        may_hold_ = held_ != kNothing;
        if (!written && !may_hold_) restore_swappiness();
        if (releases_ == decided_at) return written;
        // A release came in between: it may have been overwritten by us.
        may_hold_ = true;
        put_back(limit_);
        return let_go();
    }

    int version_;
    ControlFile limit_;
    ControlFile release_;  ///< the same file: the kernel lets one write at a time through each open file
    ControlFile reclaim_;
    ControlFile swappiness_;
    Kept kept_;
    std::atomic<std::uint64_t> original_{kNothing};           ///< what was allowed before us, in bytes
    std::atomic<std::uint64_t> swappiness_before_{kNothing};  ///< v1, while we have it changed
    bool spares_swap_ = false;
    std::atomic<std::uint64_t> held_{kNothing};  ///< bytes; written by both, read on the loop
    std::atomic<bool> may_hold_{false};          ///< a limit of ours may stand, or is on its way
    std::atomic<std::uint64_t> releases_{0};
};

class ObservedBalloon final : public OsBalloon {
public:
    ObservedBalloon(std::string name, std::string why_not) : name_(std::move(name)), why_not_(std::move(why_not)) {}
    [[nodiscard]] std::string name() const override { return name_; }
    [[nodiscard]] std::string why_not() const override { return why_not_; }
    Status reclaim(Bytes, Bytes, std::uint64_t) override { return fail(ErrorCode::unsupported, why_not_); }
    Status hold(std::optional<Bytes>, std::uint64_t) override { return fail(ErrorCode::unsupported, why_not_); }
    [[nodiscard]] std::optional<Bytes> held() const override { return std::nullopt; }
    void release_now() noexcept override {}

private:
    std::string name_;
    std::string why_not_;
};

}  // namespace

std::unique_ptr<OsBalloon> cgroup_balloon(int version, const std::string& directory, std::string kept_file) {
    return std::make_unique<CgroupBalloon>(version, directory, std::move(kept_file));
}

std::unique_ptr<OsBalloon> observed_balloon(std::string name, std::string why_not) {
    return std::make_unique<ObservedBalloon>(std::move(name), std::move(why_not));
}

}  // namespace aerostat::guest
