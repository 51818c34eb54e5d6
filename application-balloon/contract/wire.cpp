#include "application-balloon/contract/wire.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "contract/names.h"
#include "contract/wire_names.h"

namespace aerostat::balloon {
namespace {

constexpr std::size_t kLongestWhy = 300;
constexpr std::uint32_t kMostPieces = kEndOfFrames;

/// Takes a line apart from its front, word by word. What is not there or not right is remembered, and seen at the end.
class Words {
public:
    explicit Words(std::string_view line) : rest_(line) {}

    [[nodiscard]] std::string_view next() {
        const std::string_view word = rest_.substr(0, rest_.find(' '));
        if (word.empty()) good_ = false;
        rest_.remove_prefix(std::min(rest_.size(), word.size() + 1));
        return word;
    }
    template <class Number>
    Number number(std::uint64_t most) {
        const std::string_view word = next();
        std::uint64_t value = 0;
        const auto end = std::from_chars(word.data(), word.data() + word.size(), value);
        const bool plain = word == "0" || (!word.empty() && word.front() != '0');  // one way to write each number
        if (end.ec != std::errc() || end.ptr != word.data() + word.size() || value > most || !plain) good_ = false;
        return good_ ? static_cast<Number>(value) : Number{};
    }
    [[nodiscard]] RequestId id() { return number<RequestId>(UINT32_MAX); }
    [[nodiscard]] std::uint32_t pieces() { return number<std::uint32_t>(kMostPieces); }
    [[nodiscard]] Bytes bytes() { return Bytes(number<std::uint64_t>(Bytes::kLimit)); }
    [[nodiscard]] Secret secret() {
        const auto read = parse_secret(next());
        if (!read) good_ = false;
        return read.value_or(Secret{});
    }
    [[nodiscard]] std::string domain() {
        const std::string_view word = next();
        if (!is_domain(word)) good_ = false;
        return std::string(word);
    }
    [[nodiscard]] TimePoint moment() {
        constexpr auto kEndOfTime = static_cast<std::uint64_t>(to_millis(Duration::max()).count());
        return TimePoint(Millis(number<Millis::rep>(kEndOfTime)));
    }
    [[nodiscard]] Frames frames() {
        Frames frames;
        while (!rest_.empty() && good_ && frames.size() <= kMostFrames)
            frames.push_back(Frame{number<std::uint32_t>(kEndOfFrames - 1)});
        if (!check_frames(frames)) good_ = false;
        return frames;
    }
    [[nodiscard]] std::string text() {
        std::string text(std::exchange(rest_, {}));
        if (text.size() > kLongestWhy || printable(text, kLongestWhy) != text) good_ = false;
        return text;
    }
    [[nodiscard]] ErrorCode code() {
        const auto found = from_wire_name<ErrorCode>(next());
        if (!found) good_ = false;
        return found.value_or(ErrorCode::internal);
    }
    void spoil() { good_ = false; }

    /// The value, if every word was good and none is left.
    template <class Any>
    Result<Any> finish(std::optional<Any> value) const {
        if (!value) return fail(ErrorCode::bad_value, "unknown word at the beginning of a line");
        if (!good_ || !rest_.empty()) return fail(ErrorCode::bad_value, "malformed line");
        return *std::move(value);
    }

private:
    std::string_view rest_;
    bool good_ = true;
};

// Members of a braced list are read in their order.
std::string method_of(Words& words) {
    const std::string_view word = words.next();
    if (word != "huge-pages" && word != "pinned" && word != "none") words.spoil();
    return std::string(word);
}
Refused refused(Words& words) { return Refused{words.id(), words.code(), words.text()}; }

class Line {
public:
    explicit Line(std::string_view word) : text_(word) {}
    Line& operator<<(std::uint64_t number) {
        text_ += ' ';
        text_ += std::to_string(number);
        return *this;
    }
    Line& operator<<(std::string_view word) {
        text_ += ' ';
        text_ += word;
        return *this;
    }
    Line& operator<<(const Frames& frames) {
        for (const Frame frame : frames) *this << frame.number;
        return *this;
    }
    [[nodiscard]] std::string end() { return std::move(text_) + '\n'; }

private:
    std::string text_;
};

std::uint64_t micros(Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

std::uint64_t millis(TimePoint moment) {
    return static_cast<std::uint64_t>(std::max(to_millis(moment.time_since_epoch()), Millis(0)).count());
}

std::string write(const AskState& ask) { return (Line("state") << ask.id).end(); }
std::string write(const Inflate& inflate) { return (Line("inflate") << inflate.id << inflate.pieces).end(); }
std::string write(const Settle& settle) { return (Line("settle") << settle.id << settle.taken).end(); }
std::string write(const Deflate& deflate) { return (Line("deflate") << deflate.id << deflate.pieces).end(); }
std::string write(const State& state) {
    return (Line("state") << state.id << state.method << to_hex(state.secret) << state.held << state.unsettled).end();
}
std::string write(const Told& told) { return (Line("told") << told.id << told.frames).end(); }
std::string write(const Done& done) { return (Line("done") << done.id << done.pieces).end(); }
std::string write(const Released& released) { return (Line("released") << released.pieces).end(); }
std::string write(const Refused& refused) {
    return (Line("refused") << refused.id << to_string(refused.code) << printable(refused.why, kLongestWhy - 3)).end();
}
std::string write(const PunchOrder& order) {
    return (Line("punch") << order.id << millis(order.until) << order.domain << to_hex(order.secret) << order.frames).end();
}
std::string write(const Look& look) { return (Line("look") << look.id << look.domain).end(); }
std::string write(const Punched& punched) {
    return (Line("punched") << punched.id << punched.freed.count() << punched.checked.count() << punched.wrong
                            << punched.outside << micros(punched.paused) << punched.taken)
        .end();
}

}  // namespace

bool is_domain(std::string_view word) {
    return word.size() == 36 && std::all_of(word.begin(), word.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
           });
}

Result<BalloonRequest> parse_balloon_request(std::string_view line) {
    Words words(line);
    const std::string_view first = words.next();
    std::optional<BalloonRequest> value;
    if (first == "state") value = AskState{words.id()};
    if (first == "inflate") value = Inflate{words.id(), words.pieces()};
    if (first == "settle") value = Settle{words.id(), words.frames()};
    if (first == "deflate") value = Deflate{words.id(), words.pieces()};
    return words.finish(std::move(value));
}

Result<BalloonAnswer> parse_balloon_answer(std::string_view line) {
    Words words(line);
    const std::string_view first = words.next();
    std::optional<BalloonAnswer> value;
    if (first == "state") value = State{words.id(), method_of(words), words.secret(), words.pieces(), words.pieces()};
    if (first == "told") value = Told{words.id(), words.frames()};
    if (first == "done") value = Done{words.id(), words.pieces()};
    if (first == "released") value = Released{words.pieces()};
    if (first == "refused") value = refused(words);
    return words.finish(std::move(value));
}

Result<PunchRequest> parse_punch_request(std::string_view line) {
    Words words(line);
    const std::string_view first = words.next();
    std::optional<PunchRequest> value;
    if (first == "punch") value = PunchOrder{words.id(), words.moment(), words.domain(), words.secret(), words.frames()};
    if (first == "look") value = Look{words.id(), words.domain()};
    return words.finish(std::move(value));
}

Result<PunchAnswer> parse_punch_answer(std::string_view line) {
    constexpr std::uint64_t kLongestPause = 3600ULL * 1'000'000;
    Words words(line);
    const std::string_view first = words.next();
    std::optional<PunchAnswer> value;
    if (first == "punched") {
        value = Punched{words.id(),     words.bytes(),  words.bytes(),
                        words.pieces(), words.pieces(), std::chrono::microseconds(words.number<std::int64_t>(kLongestPause)),
                        words.frames()};
    }
    if (first == "refused") value = refused(words);
    return words.finish(std::move(value));
}

std::string line_of(const BalloonRequest& request) {
    return std::visit([](const auto& value) { return write(value); }, request);
}
std::string line_of(const BalloonAnswer& answer) {
    return std::visit([](const auto& value) { return write(value); }, answer);
}
std::string line_of(const PunchRequest& request) {
    return std::visit([](const auto& value) { return write(value); }, request);
}
std::string line_of(const PunchAnswer& answer) {
    return std::visit([](const auto& value) { return write(value); }, answer);
}

}  // namespace aerostat::balloon
