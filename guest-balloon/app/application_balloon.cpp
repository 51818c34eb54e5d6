#include "guest-balloon/app/application_balloon.h"

#include <utility>

namespace aerostat::guest {
namespace {

using namespace balloon;

constexpr Duration kAnswersWithin = std::chrono::seconds(10);  // it writes 64 MiB before it answers
constexpr std::size_t kMostAtOnce = 8;

template <class Words>
void renumber(Words& words, RequestId id) {
    std::visit(
        [id](auto& one) {
            if constexpr (requires { one.id; }) one.id = id;
        },
        words);
}

RequestId number_of(const BalloonRequest& request) {
    return std::visit([](const auto& one) { return one.id; }, request);
}

std::string without_newline(std::string line) {
    line.pop_back();
    return line;
}

}  // namespace

ApplicationBalloon::ApplicationBalloon(asio::io_context& loop, const std::string& socket, Ports ports, const Clock& clock)
    : ports_(std::move(ports)),
      caller_(loop, socket,
              {[this](std::string_view line) { heard(line); }, [this](bool connected) { connected ? look() : void(); }},
              clock) {}

void ApplicationBalloon::tell(const BalloonAnswer& answer) { ports_.tell_host(without_newline(line_of(answer))); }

void ApplicationBalloon::host_says(std::string_view line) {
    const auto request = parse_balloon_request(line);
    if (!request) {
        ++malformed_;
        return;
    }
    const RequestId id = number_of(*request);
    if (std::holds_alternative<Inflate>(*request) && ports_.is_off())
        return tell(Refused{id, ErrorCode::refused, "the guest's off switch is on"});
    if (passed_on_ >= kMostAtOnce) return tell(Refused{id, ErrorCode::busy, "too many requests at once"});
    pass_on(*request);
}

void ApplicationBalloon::pass_on(const BalloonRequest& request) {
    ++passed_on_;
    ask(request, [this, id = number_of(request), era = era_](Result<BalloonAnswer> answer) {
        --passed_on_;
        if (era != era_) return;
        if (!answer) return tell(Refused{id, answer.error().code, answer.error().message});
        renumber(*answer, id);
        tell(*answer);
    });
}

void ApplicationBalloon::ask(BalloonRequest request, std::function<void(Result<BalloonAnswer>)> then) {
    const RequestId id = next_id_++;
    renumber(request, id);
    caller_.call(id, line_of(request), kAnswersWithin, [then = std::move(then)](const Result<std::string>& line) {
        then(line ? parse_balloon_answer(*line) : Result<BalloonAnswer>(tl::unexpected(line.error())));
    });
}

// Only its own word that it gave everything back comes unasked.
void ApplicationBalloon::heard(std::string_view line) {
    const auto words = parse_balloon_answer(line);
    if (!words || !std::holds_alternative<Released>(*words)) return;
    held_ = Bytes();
    tell(*words);
}

void ApplicationBalloon::look() {
    if (std::exchange(looking_, true)) return;
    ask(AskState{}, [this](const Result<BalloonAnswer>& answer) {
        looking_ = false;
        looked(answer);
    });
}

void ApplicationBalloon::looked(const Result<BalloonAnswer>& answer) {
    const State* const state = answer ? std::get_if<State>(&*answer) : nullptr;
    if (!state) {
        // Its memory goes back with it; one that is only slow or confused holds what it held.
        if (!caller_.is_connected()) held_ = Bytes();
        return tell(Refused{0, answer ? ErrorCode::io : answer.error().code, trouble()});
    }
    note(*state);
    State told = *state;
    told.id = 0;
    tell(told);
    if (state->unsettled != 0 && passed_on_ == 0 && !ports_.has_host()) ask(Settle{}, [](const auto&) {});
}

void ApplicationBalloon::note(const State& state) {
    method_ = state.method;
    held_ = kPiece * (std::uint64_t{state.held} + state.unsettled);
}

void ApplicationBalloon::release() {
    ask(Deflate{0, kEndOfFrames}, [](const auto&) {});
}

std::string ApplicationBalloon::trouble() const {
    if (!caller_.is_connected()) return "no aerostat-balloon: " + caller_.trouble();
    if (method_ == "none") return "aerostat-balloon has no way to hold memory here; its log says why";
    return {};
}

}  // namespace aerostat::guest
