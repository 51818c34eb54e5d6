#include "procfs/smaps.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "procfs/file_text.h"
#include "procfs/maps_line.h"

namespace aerostat::procfs {
namespace {

enum class Choice { count, skip, stop };  // stop: nothing more can come

auto inside(AddressRange range) {
    return [range](const Mapping& mapping) {
        if (mapping.range.begin >= range.end) return Choice::stop;
        return mapping.range.end > range.begin ? Choice::count : Choice::skip;
    };
}

auto as_choice(const WantsMapping& wanted) {
    return [&wanted](const Mapping& mapping) { return wanted(mapping) ? Choice::count : Choice::skip; };
}

/// Adds up smaps lines, one after the other, for the mappings that are chosen.
class SmapsSum {
public:
    explicit SmapsSum(std::function<Choice(const Mapping&)> choose) : choose_(std::move(choose)) {}

    /// False once the choice was to stop.
    bool take(std::string_view line) {
        Mapping mapping;
        // Field lines start with a capital letter, mapping heads with a hexadecimal digit in lower case.
        const bool is_head = !line.empty() && (line.front() < 'A' || line.front() > 'Z');
        if (is_head && parse_maps_line(line, mapping)) {
            const Choice choice = choose_(mapping);
            counting_ = choice == Choice::count;
            if (counting_) {
                torn_ = torn_ || mapping.range.begin < counted_to_;
                counted_to_ = std::max(counted_to_, mapping.range.end);
            }
            return choice != Choice::stop;
        }
        if (counting_) add_field(line);
        return true;
    }
    void add_field(std::string_view line) {
        std::uint64_t bytes = 0;
        if (read_kib_field(line, "Rss", bytes))
            sum.rss += Bytes(bytes);
        else if (read_kib_field(line, "Pss", bytes))
            sum.pss += Bytes(bytes);
        else if (read_kib_field(line, "Swap", bytes))
            sum.swap += Bytes(bytes);
        else if (read_kib_field(line, "Locked", bytes))
            sum.locked += Bytes(bytes);
        else if (read_kib_field(line, "AnonHugePages", bytes))
            sum.anon_huge_pages += Bytes(bytes);
        else if (read_kib_field(line, "KernelPageSize", bytes))
            sum.kernel_page_size = std::max(sum.kernel_page_size, Bytes(bytes));
        else if (read_kib_field(line, "Shared_Hugetlb", bytes) || read_kib_field(line, "Private_Hugetlb", bytes))
            sum.hugetlb += Bytes(bytes);
    }

    Residency sum;
    /// Mappings joined while they were read: the kernel goes on after the last address it has shown, with the whole mapping
    /// that lies there now, and so shows some pages twice.
    [[nodiscard]] bool is_torn() const { return torn_; }

private:
    std::function<Choice(const Mapping&)> choose_;
    bool counting_ = false;
    bool torn_ = false;
    std::uintptr_t counted_to_ = 0;
};

struct OpenFile {
    int fd;
    ~OpenFile() {
        if (fd >= 0) ::close(fd);
    }
};

}  // namespace

Result<Residency> process_residency(pid_t pid) {
    auto text = read_text("/proc/" + std::to_string(pid) + "/smaps_rollup");
    if (!text) return tl::unexpected(text.error());
    // A zombie's file is empty: it holds no memory.
    SmapsSum sum({});  // one head line for all: nothing to choose
    std::string_view rest = *text;
    std::string_view line;
    while (next_line(rest, line)) sum.add_field(line);
    return sum.sum;
}

namespace {

Result<Residency> sum_text(std::string_view text, SmapsSum sum) {
    std::string_view line;
    while (next_line(text, line)) {
        if (!sum.take(line)) break;
    }
    if (sum.is_torn()) return fail(ErrorCode::bad_value, "mappings overlap");
    return sum.sum;
}

// Piece by piece: the kernel walks the page tables as it is read, so stopping early saves the rest of the walk.
Result<SmapsSum> read_once(const std::string& path, SmapsSum sum) {
    const OpenFile file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0) return tl::unexpected(process_file_error(path, errno));
    std::string held;
    std::array<char, 16 * 1024> buffer{};
    for (;;) {
        const ssize_t got = ::read(file.fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tl::unexpected(process_file_error(path, errno));
        if (got == 0) return sum;
        held.append(buffer.data(), static_cast<std::size_t>(got));
        std::size_t begin = 0;
        for (std::size_t end = held.find('\n'); end != std::string::npos; end = held.find('\n', begin)) {
            if (!sum.take(std::string_view(held).substr(begin, end - begin))) return sum;
            begin = end + 1;
        }
        held.erase(0, begin);
    }
}

// Read again while it is torn. What was counted twice makes a sum too large, so the smallest of some is the nearest.
Result<Residency> sum_file(const std::string& path, const SmapsSum& nothing_yet) {
    constexpr int kTries = 5;
    std::optional<Residency> nearest;
    for (int attempt = 0; attempt < kTries; ++attempt) {
        auto sum = read_once(path, nothing_yet);
        if (!sum) return tl::unexpected(sum.error());
        if (!sum->is_torn()) return sum->sum;
        if (!nearest || sum->sum.rss < nearest->rss) nearest = sum->sum;
    }
    return *nearest;
}

}  // namespace

Result<Residency> sum_smaps(std::string_view text, AddressRange range) { return sum_text(text, SmapsSum(inside(range))); }

Result<Residency> sum_smaps(std::string_view text, const WantsMapping& wanted) {
    return sum_text(text, SmapsSum(as_choice(wanted)));
}

Result<Residency> own_residency(AddressRange range) { return sum_file("/proc/self/smaps", SmapsSum(inside(range))); }

Result<Residency> residency_of(pid_t pid, const WantsMapping& wanted) {
    return sum_file("/proc/" + std::to_string(pid) + "/smaps", SmapsSum(as_choice(wanted)));
}

}  // namespace aerostat::procfs
