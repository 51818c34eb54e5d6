#include "host-controller/app/kept_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>

#include "contract/names.h"
#include "procfs/file_text.h"

// Lines of words, as an operator can read them:
//   aerostat-hostd-state 1
//   boot ID
//   paused 0
//   guest PAUSED NAME IDENTITY
//   absent IDENTITY (a paused guest that is not here)
//   ceiling BYTES UNTIL_UNIX_S|- JVM IDENTITY
//   end
namespace aerostat::host::app {
namespace {

constexpr std::string_view kFirstLine = "aerostat-hostd-state 1";
constexpr std::size_t kLongest = 1024 * 1024;
constexpr std::int64_t kLatest = 1'000'000'000'000;  // seconds; far beyond any hold, far below an overflow

std::int64_t to_wall(TimePoint at, const Moment& moment) {
    const auto wall = moment.wall.time_since_epoch() + (at - moment.now);
    // Rounded to seconds, so that the same ceiling is always written alike.
    return std::chrono::round<std::chrono::seconds>(wall).count();
}

TimePoint from_wall(std::int64_t seconds, const Moment& moment) {
    const auto left =
        std::chrono::seconds(seconds) - std::chrono::round<std::chrono::seconds>(moment.wall.time_since_epoch());
    const auto bounded = std::clamp(left, std::chrono::seconds(0), std::chrono::seconds(std::chrono::hours(24 * 366)));
    return moment.now + bounded;
}

tl::unexpected<Error> corrupt() { return fail(ErrorCode::bad_value, "the kept state is corrupt"); }

std::string_view take_word(std::string_view& line) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

template <class Number>
std::optional<Number> number(std::string_view word) {
    Number value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    return error == std::errc() && end == word.data() + word.size() ? std::optional(value) : std::nullopt;
}

bool read_guest(std::string_view line, KeptState& kept) {
    const std::string_view paused = take_word(line);
    KeptGuest guest{"", std::string(take_word(line))};
    guest.id = line;
    if ((paused != "0" && paused != "1") || !is_valid_name(guest.name) || guest.id.empty()) return false;
    if (paused == "1") kept.paused_guests.insert(guest.id);
    kept.guests.push_back(std::move(guest));
    return true;
}

bool read_ceiling(std::string_view line, const Moment& moment, KeptState& kept) {
    const auto bytes = number<std::uint64_t>(take_word(line));
    const std::string_view until = take_word(line);
    const auto seconds = until == "-" ? std::optional<std::int64_t>(0) : number<std::int64_t>(until);
    const std::string jvm(take_word(line));
    if (!bytes || !seconds || *seconds < 0 || *seconds > kLatest || !is_valid_name(jvm) || line.empty()) return false;
    Ceiling ceiling{Bytes(*bytes), std::nullopt};
    if (until != "-") ceiling.until = from_wall(*seconds, moment);
    kept.ceilings[{std::string(line), jvm}] = ceiling;
    return true;
}

bool read_line(std::string_view line, const Moment& moment, KeptState& kept) {
    const std::string_view kind = take_word(line);
    if (kind == "guest") return read_guest(line, kept);
    if (kind == "ceiling") return read_ceiling(line, moment, kept);
    if (kind == "absent") {
        kept.paused_guests.insert(std::string(line));
        return !line.empty();
    }
    if (kind == "boot") {
        kept.boot = line;
        return is_valid_name(kept.boot);
    }
    kept.paused = line == "1";
    return kind == "paused" && (line == "0" || line == "1");
}

bool fits_a_line(const std::string& id) { return id.find('\n') == std::string::npos; }

}  // namespace

std::string write_kept_state(const KeptState& kept, const Moment& moment) {
    std::string text = std::string(kFirstLine) + (is_valid_name(kept.boot) ? "\nboot " + kept.boot : "") + "\npaused " +
                       (kept.paused ? "1" : "0") + "\n";
    for (const KeptGuest& guest : kept.guests) {
        if (!fits_a_line(guest.id)) continue;
        text += std::string("guest ") + (kept.paused_guests.contains(guest.id) ? "1 " : "0 ") + guest.name + " " + guest.id +
                "\n";
    }
    for (const GuestId& guest : kept.paused_guests) {
        const bool is_here =
            std::any_of(kept.guests.begin(), kept.guests.end(), [&](const KeptGuest& one) { return one.id == guest; });
        if (!is_here && fits_a_line(guest)) text += "absent " + guest + "\n";
    }
    for (const auto& [key, ceiling] : kept.ceilings) {
        if (!fits_a_line(key.first)) continue;
        const std::string until = ceiling.until ? std::to_string(to_wall(*ceiling.until, moment)) : "-";
        text +=
            "ceiling " + std::to_string(ceiling.footprint.count()) + " " + until + " " + key.second + " " + key.first + "\n";
    }
    return text + "end\n";
}

Result<KeptState> parse_kept_state(const std::string& text, const Moment& moment) {
    std::string_view rest = text;
    std::string_view line;
    KeptState kept;
    if (!text.ends_with('\n') || !procfs::next_line(rest, line) || line != kFirstLine) return corrupt();
    while (procfs::next_line(rest, line)) {
        if (line == "end") return kept;
        if (!read_line(line, moment, kept)) return corrupt();
    }
    return corrupt();  // cut off
}

// A session's number, and a process's, may be anybody's after a reboot; a domain's UUID and the path of a control group are
// the same guest's.
void forget_before_boot(KeptState& kept, const std::string& boot) {
    if (kept.boot.empty() || boot.empty() || kept.boot == boot) return;
    const auto lasts = [](const GuestId& guest) { return guest.starts_with("domain:") || guest.starts_with("cgroup:"); };
    kept.guests.clear();
    std::erase_if(kept.paused_guests, [&](const GuestId& guest) { return !lasts(guest); });
    std::erase_if(kept.ceilings, [&](const auto& entry) { return !lasts(entry.first.first); });
}

std::string boot_id() {
    std::string text = procfs::read_text("/proc/sys/kernel/random/boot_id").value_or("");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

Result<KeptState> KeptFile::load(const Moment& moment) const {
    auto text = procfs::read_text(path_, kLongest);
    if (!text) return while_doing("reading " + path_, text.error());
    auto kept = parse_kept_state(*text, moment);
    if (!kept) return while_doing("reading " + path_, kept.error());
    return kept;
}

Status KeptFile::store(const KeptState& kept, const Moment& moment) {
    std::string text = write_kept_state(kept, moment);
    if (text == written_) return {};
    const std::string beside = path_ + ".new";
    const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return tl::unexpected(error_from_errno("writing " + beside, errno));
    const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int why = errno;
    ::fdatasync(fd);  // after a power cut: this or the old one
    ::close(fd);
    if (!whole) return tl::unexpected(error_from_errno("writing " + beside, why));
    if (::rename(beside.c_str(), path_.c_str()) != 0) return tl::unexpected(error_from_errno("renaming " + beside, errno));
    written_ = std::move(text);
    return {};
}

}  // namespace aerostat::host::app
