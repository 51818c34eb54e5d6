#include "daemon/strict_toml.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <sstream>

// toml++ 3.3 asserts instead of reporting for some malformed texts ("[[" at the end of a line, "[@["), and under NDEBUG
// lets the compiler assume that they never come. Here its assertions throw, and the text is refused. This is the only file
// that includes toml++, so nothing else sees these definitions.
namespace aerostat::daemon {
struct ParserGaveUp {};
[[noreturn]] inline void give_up_parsing() { throw ParserGaveUp{}; }
}  // namespace aerostat::daemon
#undef NDEBUG
#define TOML_EXCEPTIONS 1
#define TOML_ASSERT(condition) ((condition) ? void(0) : ::aerostat::daemon::give_up_parsing())
#include <toml++/toml.h>

namespace aerostat::daemon {
namespace {

constexpr std::size_t kMostBytes = 1024 * 1024;

/// The problems of one file, shared by all its tables.
struct Problems {
    std::string file;
    std::vector<std::pair<unsigned, std::string>> found;  // line, sentence

    void add(unsigned line, std::string sentence) { found.emplace_back(line, std::move(sentence)); }
    [[nodiscard]] std::string text() {
        std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        std::string all;
        for (const auto& [line, sentence] : found) {
            if (!all.empty()) all += "\n";
            all += file + (line > 0 ? ":" + std::to_string(line) : "") + ": " + sentence;
        }
        return all;
    }
};

std::string quoted(std::string_view key) { return "\"" + std::string(key) + "\""; }

Result<std::string> read_whole(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        Error error = error_from_errno("reading the configuration " + path, errno);
        if (errno == ENOENT) error.code = ErrorCode::not_found;
        return tl::unexpected(std::move(error));
    }
    std::string text;
    std::array<char, 16 * 1024> buffer{};
    ssize_t got = 0;
    while ((got = ::read(fd, buffer.data(), buffer.size())) > 0 && text.size() <= kMostBytes)
        text.append(buffer.data(), static_cast<std::size_t>(got));
    const int number = errno;
    ::close(fd);
    if (got < 0) return tl::unexpected(error_from_errno("reading the configuration " + path, number));
    if (text.size() > kMostBytes)
        return fail(ErrorCode::bad_value, path + ": larger than 1 MiB, this cannot be a configuration");
    return text;
}

/// Walks a TOML text and knows whether it stands in a comment, a string, or bare text.
class CommentScanner {
public:
    explicit CommentScanner(std::string_view text) : rest_(text) {}

    /// The line of the first byte outside comments that is not ASCII, or 0. toml++ 3.3 runs into undefined behaviour when it
    /// asks whether such a letter is white space (its generated table has an unreachable default), which it does in bare
    /// text and, after some errors, in what looks like a string; so the text must be refused before it is parsed.
    unsigned first_non_ascii_line() {
        while (!rest_.empty()) {
            if (rest_.front() == '#')
                skip_to_end_of_line();
            else if (rest_.front() == '"' || rest_.front() == '\'')
                skip_string();
            else if (static_cast<unsigned char>(rest_.front()) >= 0x80)
                return line_;
            else
                skip(1);
        }
        return 0;
    }

private:
    void skip(std::size_t count) {
        count = std::min(count, rest_.size());
        line_ += static_cast<unsigned>(std::count(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(count), '\n'));
        rest_.remove_prefix(count);
    }
    void skip_to_end_of_line() { skip(std::min(rest_.find('\n'), rest_.size())); }
    void skip_string() {
        const char quote = rest_.front();
        const std::string triple(3, quote);
        const bool multi_line = rest_.starts_with(triple);
        const std::string_view end = multi_line ? std::string_view(triple) : rest_.substr(0, 1);
        skip(end.size());
        while (!rest_.empty() && !rest_.starts_with(end)) {
            if (static_cast<unsigned char>(rest_.front()) >= 0x80) return;  // found: the caller looks at it next
            if (!multi_line && rest_.front() == '\n') return;               // unterminated: the parser stops here too
            const bool escape = quote == '"' && (rest_.starts_with("\\\"") || rest_.starts_with("\\\\"));
            skip(escape ? 2 : 1);
        }
        skip(end.size());
    }

    std::string_view rest_;
    unsigned line_ = 1;
};

}  // namespace

struct StrictTable::State {
    // The parsed file, kept whole: toml++ forgets source lines when a node is copied.
    std::shared_ptr<const toml::table> file;
    const toml::table* values = nullptr;  // in `file`; null for an absent table
    std::string prefix;                   // "host." for messages
    std::shared_ptr<Problems> problems;
    std::set<std::string, std::less<>> asked;
    unsigned own_line = 0;

    [[nodiscard]] const toml::node* get(std::string_view key) const { return values ? values->get(key) : nullptr; }
    [[nodiscard]] unsigned line_of(std::string_view key) const {
        const toml::node* node = get(key);
        return node ? node->source().begin.line : own_line;
    }
    const toml::node* ask(std::string_view key) {
        asked.emplace(key);
        return get(key);
    }
    void add(std::string_view key, const std::string& sentence) {
        problems->add(line_of(key), quoted(prefix + std::string(key)) + " " + sentence);
    }
    /// The text of a value that must be a string with a unit; a bare number gets its own sentence.
    const std::string* unit_text(std::string_view key, const char* example) {
        const toml::node* node = ask(key);
        if (!node) return nullptr;
        if (const auto* text = node->as_string()) return &text->get();
        add(key, std::string(node->is_number() ? "is a bare number" : "has the wrong type") +
                     "; write it in quotes and with its unit, for example " + example);
        return nullptr;
    }
};

StrictTable::StrictTable(std::unique_ptr<State> state) : state_(std::move(state)) {}
StrictTable::StrictTable(StrictTable&&) noexcept = default;
StrictTable& StrictTable::operator=(StrictTable&&) noexcept = default;
StrictTable::~StrictTable() = default;

Result<StrictTable> StrictTable::read_file(const std::string& path) {
    auto text = read_whole(path);
    if (!text) return tl::unexpected(text.error());
    return parse(*text, path);
}

Result<StrictTable> StrictTable::parse(std::string_view text, const std::string& name_for_errors) {
    if (const unsigned line = CommentScanner(text).first_non_ascii_line(); line > 0) {
        return fail(ErrorCode::bad_value,
                    name_for_errors + ":" + std::to_string(line) +
                        ": only ASCII is allowed outside comments; in a string write other letters as \\u00e9");
    }
    auto state = std::make_unique<State>();
    try {
        state->file = std::make_shared<const toml::table>(toml::parse(text, name_for_errors));
    } catch (const toml::parse_error& error) {
        return fail(ErrorCode::bad_value, name_for_errors + ":" + std::to_string(error.source().begin.line) + ": " +
                                              std::string(error.description()));
    } catch (const ParserGaveUp&) {
        return fail(ErrorCode::bad_value, name_for_errors + ": not a TOML file: a table header or key is malformed");
    }
    state->values = state->file.get();
    state->problems = std::make_shared<Problems>();
    state->problems->file = name_for_errors;
    return StrictTable(std::move(state));
}

std::optional<std::string> StrictTable::text(std::string_view key) {
    const toml::node* node = state_->ask(key);
    if (!node) return std::nullopt;
    if (const auto* found = node->as_string()) return found->get();
    state_->add(key, "must be a text in quotes");
    return std::nullopt;
}

std::optional<Bytes> StrictTable::bytes(std::string_view key) {
    const std::string* found = state_->unit_text(key, "\"512MiB\"");
    if (!found) return std::nullopt;
    auto parsed = parse_bytes(*found);
    if (parsed) return *parsed;
    state_->add(key, "= " + parsed.error().message);
    return std::nullopt;
}

std::optional<Duration> StrictTable::duration(std::string_view key) {
    const std::string* found = state_->unit_text(key, "\"5s\"");
    if (!found) return std::nullopt;
    auto parsed = parse_duration(*found);
    if (parsed) return *parsed;
    state_->add(key, "= " + parsed.error().message);
    return std::nullopt;
}

std::optional<double> StrictTable::number(std::string_view key, double least, double most) {
    const toml::node* node = state_->ask(key);
    if (!node) return std::nullopt;
    const auto value = node->value<double>();
    if (node->is_number() && value && *value >= least && *value <= most) return value;
    std::ostringstream sentence;
    sentence << "must be a number from " << least << " to " << most;
    state_->add(key, sentence.str());
    return std::nullopt;
}

std::optional<bool> StrictTable::flag(std::string_view key) {
    const toml::node* node = state_->ask(key);
    if (!node) return std::nullopt;
    if (const auto* found = node->as_boolean()) return found->get();
    state_->add(key, "must be true or false");
    return std::nullopt;
}

std::optional<std::string> StrictTable::word(std::string_view key, const std::vector<std::string>& allowed) {
    auto found = text(key);
    if (!found || std::find(allowed.begin(), allowed.end(), *found) != allowed.end()) return found;
    std::string choices;
    for (const std::string& choice : allowed) choices += (choices.empty() ? "" : ", ") + quoted(choice);
    state_->add(key, "= " + quoted(*found) + " is unknown; allowed are " + choices);
    return std::nullopt;
}

StrictTable StrictTable::table(std::string_view key) {
    auto inner = std::make_unique<State>();
    inner->file = state_->file;
    inner->problems = state_->problems;
    inner->prefix = state_->prefix + std::string(key) + ".";
    inner->own_line = state_->line_of(key);
    if (const toml::node* node = state_->ask(key)) {
        if (const auto* found = node->as_table())
            inner->values = found;
        else
            state_->add(key, "must be a table");
    }
    return StrictTable(std::move(inner));
}

std::vector<std::string> StrictTable::table_names() const {
    std::vector<std::string> names;
    if (!state_->values) return names;
    for (const auto& [key, node] : *state_->values) {
        if (node.is_table() && !state_->asked.contains(key.str())) names.emplace_back(key.str());
    }
    return names;
}

void StrictTable::add_problem(std::string_view key, const std::string& problem) { state_->add(key, problem); }

Status StrictTable::finish() {
    static const toml::table kNothing;
    for (const auto& [key, node] : state_->values ? *state_->values : kNothing) {
        if (!state_->asked.contains(key.str())) state_->add(key.str(), "is not a known key");
    }
    if (state_->problems->found.empty()) return {};
    return fail(ErrorCode::bad_value, state_->problems->text());
}

}  // namespace aerostat::daemon
