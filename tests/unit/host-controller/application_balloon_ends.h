#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "host-controller/act/application_balloons.h"
#include "host-controller/act/balloon_mover.h"
#include "tests/unit/host-controller/fake_balloons.h"

namespace aerostat::host::act {

using namespace literals;
using namespace std::chrono_literals;
using balloon::Frame;
using balloon::Frames;

inline const GuestId kGuest = "domain:00000000-0000-0000-0000-000000000001";
inline const balloon::Secret kSecret = *balloon::parse_secret("00112233445566778899aabbccddeeff");

/// A guest's aerostat-balloon behind its guestd, and the aerostat-punch of its host. Tests make them fail and lie.
struct FakeEnds {
    [[nodiscard]] balloon::BalloonAnswer answer(const balloon::BalloonRequest& request) {
        return std::visit([this](const auto& one) { return carry_out(one); }, request);
    }
    balloon::BalloonAnswer carry_out(const balloon::AskState& ask) { return state(ask.id); }
    balloon::BalloonAnswer carry_out(const balloon::Inflate& inflate) {
        if (!told.empty()) return balloon::Refused{inflate.id, ErrorCode::busy, "unsettled"};
        for (std::uint32_t i = 0; i < inflate.pieces && next < has_frames; ++i) told.push_back(Frame{next++});
        if (told.empty()) return balloon::Refused{inflate.id, ErrorCode::refused, "nothing to spare"};
        return balloon::Told{inflate.id, told};
    }
    balloon::BalloonAnswer carry_out(const balloon::Settle& settle) {
        for (const Frame frame : settle.taken) {
            if (std::find(told.begin(), told.end(), frame) == told.end())
                return balloon::Refused{settle.id, ErrorCode::bad_value, "not told"};
        }
        held += static_cast<std::uint32_t>(settle.taken.size());
        const auto back = static_cast<std::uint32_t>(told.size() - settle.taken.size());
        told.clear();
        return balloon::Done{settle.id, back};
    }
    balloon::BalloonAnswer carry_out(const balloon::Deflate& deflate) {
        const std::uint32_t pieces = std::min(deflate.pieces, held);
        held -= pieces;
        return balloon::Done{deflate.id, pieces};
    }
    [[nodiscard]] balloon::State state(balloon::RequestId id) const {
        return {id, "pinned", kSecret, held, static_cast<std::uint32_t>(told.size())};
    }
    [[nodiscard]] Result<balloon::PunchAnswer> punch(const balloon::PunchOrder& order) {
        orders.push_back(order);
        if (punch_fails) return *punch_fails;
        balloon::Punched done{order.id, {}, {}, 0, 0, {}, {}};
        for (const Frame frame : order.frames) {
            if (!lies.contains(frame.number)) done.taken.push_back(frame);
        }
        return done;
    }

    Frames told;
    std::uint32_t held = 0;
    std::uint32_t next = 100;
    std::uint32_t has_frames = 100'000;
    std::set<std::uint32_t> lies;  ///< frames without the pattern
    std::optional<Result<balloon::PunchAnswer>> punch_fails;
    std::vector<balloon::PunchOrder> orders;
};

/// One guest of a host's, with both balloons.
class ApplicationBalloonsTest : public ::testing::Test {
protected:
    ApplicationBalloonsTest() {
        clock.advance(1h);
        virtio.balloon.maximum = virtio.balloon.actual = 1024_MiB;
        virtio.balloon.usable = 700_MiB;
        heard_state();
    }
    void heard_state() { say(ends.state(0)); }
    void say(const balloon::BalloonAnswer& answer) {
        std::string line = balloon::line_of(answer);
        line.pop_back();
        balloons.heard(kGuest, line);
    }
    bool tell(const std::string& line) {
        if (!reachable) return false;
        lines.push_back(line);
        if (silent) return true;
        const auto request = balloon::parse_balloon_request(line);
        EXPECT_TRUE(request) << line;
        virtio.later(takes, [this, request] {
            before_answer();
            if (reachable) say(ends.answer(*request));
        });
        return true;
    }
    [[nodiscard]] Result<OsBalloon> looked() {
        Result<OsBalloon> seen = fail(ErrorCode::internal, "no answer");
        balloons.look(kGuest, [&seen](Result<OsBalloon> answer) { seen = std::move(answer); });
        virtio.run(0s);
        return seen;
    }
    void set(Bytes actual) {
        ASSERT_TRUE(looked());
        balloons.set_target(kGuest, actual, [this](const Status& status) { answers.push_back(status.has_value()); });
    }
    void take(Bytes amount, Duration within) {
        mover.take(kGuest, amount, 128_MiB, clock.now() + within, [this](const BalloonOutcome& o) { ended.push_back(o); });
        virtio.run(within + 1s);
    }

    ManualClock clock;
    host::testing::FakeBalloons virtio{clock};
    FakeEnds ends;
    bool on = true;
    Bytes free = 10_GiB;
    bool reachable = true;
    bool silent = false;
    Duration takes = 10ms;
    Duration punch_takes = 10ms;
    std::string frozen;
    std::function<void()> before_answer = [] {};
    std::vector<std::string> lines;
    std::vector<bool> answers;
    std::vector<BalloonOutcome> ended;
    ApplicationBalloons balloons{
        {virtio, clock, [this](const GuestId&) { return on; }, [](const GuestId&) { return std::optional<Bytes>(1024_MiB); },
         [this](const GuestId&) { return frozen; }, [this](const GuestId&, const std::string& line) { return tell(line); },
         [this](const balloon::PunchOrder& order, auto answer) {
             virtio.later(punch_takes, [this, order, answer] { answer(ends.punch(order)); });
         },
         [this](Duration pause, std::function<void()> then) { virtio.later(pause, std::move(then)); },
         [this] { return free; }}};
    BalloonMover mover{{balloons,
                        clock,
                        [this](Duration pause, std::function<void()> then) { virtio.later(pause, std::move(then)); },
                        [](const GuestId&) { return std::nullopt; },
                        {}}};
};

}  // namespace aerostat::host::act
