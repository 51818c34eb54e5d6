#include "cli/work_file.h"

#include <cerrno>
#include <fstream>

#include "contract/names.h"

namespace aerostat::cli {
namespace {

constexpr std::size_t kMostBytes = 64 * 1024;
constexpr std::size_t kLongestText = 60;
constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

WorkTexts parse_work(std::string_view text) {
    WorkTexts work;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const auto blank = line.find_first_of(kBlanks);
        if (blank == std::string_view::npos) continue;
        work[std::string(line.substr(0, blank))] = printable(trimmed(line.substr(blank)), kLongestText);
    }
    return work;
}

Result<WorkTexts> read_work_file(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) return tl::unexpected(error_from_errno("opening " + printable(path), errno));
    std::string text(kMostBytes, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return tl::unexpected(error_from_errno("reading " + printable(path), errno));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return parse_work(text);
}

}  // namespace aerostat::cli
