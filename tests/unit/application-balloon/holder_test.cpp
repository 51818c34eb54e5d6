#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "application-balloon/guest/app/balloon.h"

namespace aerostat::balloon::guest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace literals;

constexpr std::uint64_t kPresent = 1ULL << 63U;

std::vector<std::uint64_t> entries_from(std::uint64_t number) {
    std::vector<std::uint64_t> entries;
    for (std::uint64_t page = 0; page < 512; ++page) entries.push_back(kPresent | (number + page));
    return entries;
}

TEST(AFrame, IsOneWholeAlignedRunOfPages) {
    EXPECT_EQ(frame_of(entries_from(512 * 9)), Frame{9});
    EXPECT_EQ(frame_of(entries_from(512 * 9 + 1)).error().code, ErrorCode::refused);
    auto scattered = entries_from(512 * 9);
    std::swap(scattered[100], scattered[101]);
    EXPECT_EQ(frame_of(scattered).error().code, ErrorCode::refused);
    auto swapped_out = entries_from(512 * 9);
    swapped_out[511] &= ~kPresent;
    EXPECT_EQ(frame_of(swapped_out).error().code, ErrorCode::refused);
}

TEST(AFrame, ThatTheKernelHidesIsNotTakenForTheFirstOne) {
    EXPECT_EQ(frame_of(std::vector<std::uint64_t>(512, kPresent)).error().code, ErrorCode::denied);
}

TEST(AFrame, NeedsAllEntries) { EXPECT_FALSE(frame_of(std::vector<std::uint64_t>(511, kPresent | 512))); }

TEST(Pieces, AreTakenFromWhatTheGuestCanSpare) {
    EXPECT_EQ(pieces_allowed(100, 0, {1_GiB, 512_MiB}, std::nullopt), 32U);  // 64 MiB at once
    EXPECT_EQ(pieces_allowed(5, 0, {1_GiB, 512_MiB}, std::nullopt), 5U);
    EXPECT_EQ(pieces_allowed(100, 0, {1_GiB, 70_MiB}, std::nullopt), 3U);  // beyond 64 MiB
    EXPECT_EQ(pieces_allowed(100, 0, {1_GiB, 70_MiB}, 66_MiB), 2U);
    EXPECT_EQ(pieces_allowed(100, 0, {1_GiB, 64_MiB}, std::nullopt).error().code, ErrorCode::refused);
    EXPECT_EQ(pieces_allowed(0, 0, {1_GiB, 512_MiB}, std::nullopt).error().code, ErrorCode::refused);
    EXPECT_EQ(pieces_allowed(1, 1, {1_GiB, 512_MiB}, std::nullopt).error().code, ErrorCode::busy);
}

TEST(HugePages, ThatSomebodyHasSetAsideAreNotForBalloons) {
    EXPECT_TRUE(is_free_for_balloons({0, 0}));
    EXPECT_TRUE(is_free_for_balloons({7, 7}));
    EXPECT_FALSE(is_free_for_balloons({8, 7}));
}

// Frames in the order it is told; memory of its own.
class FakeSource final : public PieceSource {
public:
    explicit FakeSource(std::vector<std::uint32_t> frames) : frames_(std::move(frames)) {}
    [[nodiscard]] std::string name() const override { return "pinned"; }
    Result<Piece> take() override {
        if (next_ == frames_.size()) return fail(ErrorCode::busy, "no whole frame of memory is free in the guest");
        memory_.push_back(std::vector<std::byte>(kPiece.count()));
        const auto slot = static_cast<std::uint32_t>(next_);
        out.insert(slot);
        return Piece{slot, memory_.back(), Frame{frames_[next_++]}};
    }
    void give_back(std::uint32_t slot) override { out.erase(slot); }
    void give_all_back() override { out.clear(); }
    [[nodiscard]] const std::vector<std::byte>& memory(std::size_t slot) const { return memory_.at(slot); }

    std::set<std::uint32_t> out;

private:
    std::vector<std::uint32_t> frames_;
    std::vector<std::vector<std::byte>> memory_;
    std::size_t next_ = 0;
};

class TheBalloon : public testing::Test {
protected:
    Balloon make(std::vector<std::uint32_t> frames) {
        auto fake = std::make_unique<FakeSource>(std::move(frames));
        source = fake.get();
        return Balloon({std::move(fake), "", [this] { return memory; }, std::nullopt});
    }
    static std::vector<std::uint32_t> frames_in(const BalloonAnswer& answer) {
        std::vector<std::uint32_t> numbers;
        for (const Frame frame : std::get<Told>(answer).frames) numbers.push_back(frame.number);
        return numbers;
    }
    static State state_of(Balloon& balloon) { return std::get<State>(balloon.answer(AskState{1})); }

    FakeSource* source = nullptr;
    Result<GuestMemory> memory = GuestMemory{1_GiB, 512_MiB};
};

TEST_F(TheBalloon, TellsFramesThatCarryThePattern) {
    Balloon balloon = make({9, 4, 7});
    EXPECT_THAT(frames_in(balloon.answer(Inflate{1, 2})), ElementsAre(4, 9));
    EXPECT_EQ(wrong_pages(source->memory(0), balloon.secret(), Frame{9}, 0), 0U);
    EXPECT_EQ(wrong_pages(source->memory(1), balloon.secret(), Frame{4}, 0), 0U);
    EXPECT_EQ(state_of(balloon).unsettled, 2U);
    EXPECT_EQ(state_of(balloon).held, 0U);
}

TEST_F(TheBalloon, TakesNoMoreBeforeTheHostHasDoneItsPart) {
    Balloon balloon = make({9, 4, 7});
    static_cast<void>(balloon.answer(Inflate{1, 1}));
    EXPECT_EQ(std::get<Refused>(balloon.answer(Inflate{2, 1})).code, ErrorCode::busy);
}

TEST_F(TheBalloon, GivesBackWhatTheHostDidNotTake) {
    Balloon balloon = make({9, 4, 7});
    static_cast<void>(balloon.answer(Inflate{1, 3}));
    EXPECT_EQ(std::get<Done>(balloon.answer(Settle{2, {{4}, {9}}})).pieces, 1U);
    EXPECT_EQ(source->out, (std::set<std::uint32_t>{0, 1}));
    EXPECT_EQ(state_of(balloon).held, 2U);
    EXPECT_EQ(state_of(balloon).unsettled, 0U);
}

TEST_F(TheBalloon, BelievesNoSettlementOfFramesItDidNotTell) {
    Balloon balloon = make({9, 4});
    static_cast<void>(balloon.answer(Inflate{1, 2}));
    EXPECT_EQ(std::get<Refused>(balloon.answer(Settle{2, {{4}, {5}}})).code, ErrorCode::bad_value);
    EXPECT_EQ(state_of(balloon).unsettled, 2U);
    static_cast<void>(balloon.answer(Settle{3, {{4}}}));
    EXPECT_EQ(std::get<Refused>(balloon.answer(Settle{4, {{4}}})).code, ErrorCode::bad_value);
}

TEST_F(TheBalloon, GivesPiecesBackLastOnesFirst) {
    Balloon balloon = make({9, 4, 7});
    static_cast<void>(balloon.answer(Inflate{1, 3}));
    static_cast<void>(balloon.answer(Settle{2, {{4}, {7}, {9}}}));
    EXPECT_EQ(std::get<Done>(balloon.answer(Deflate{3, 2})).pieces, 2U);
    EXPECT_EQ(source->out, (std::set<std::uint32_t>{0}));
    EXPECT_EQ(std::get<Done>(balloon.answer(Deflate{4, 100})).pieces, 1U);
    EXPECT_THAT(source->out, IsEmpty());
}

TEST_F(TheBalloon, GivesBackWhatTheHostHasTakenBeforeWhatItMayBeTaking) {
    Balloon balloon = make({9, 4, 7});
    static_cast<void>(balloon.answer(Inflate{1, 2}));
    static_cast<void>(balloon.answer(Settle{2, {{4}, {9}}}));
    const auto told = frames_in(balloon.answer(Inflate{3, 1}));
    EXPECT_EQ(std::get<Done>(balloon.answer(Deflate{4, 2})).pieces, 2U);
    EXPECT_EQ(std::get<State>(balloon.answer(AskState{5})).unsettled, 1U);
    EXPECT_TRUE(std::holds_alternative<Done>(balloon.answer(Settle{6, {Frame{told.at(0)}}}))) << "its word still counts";
}

TEST_F(TheBalloon, SaysHowLittleThereWas) {
    Balloon balloon = make({9});
    EXPECT_THAT(frames_in(balloon.answer(Inflate{1, 3})), ElementsAre(9));
    static_cast<void>(balloon.answer(Settle{2, {{9}}}));
    EXPECT_EQ(std::get<Refused>(balloon.answer(Inflate{3, 3})).code, ErrorCode::busy);
}

TEST_F(TheBalloon, ReleasesEverythingAtOnce) {
    Balloon balloon = make({9, 4, 7});
    static_cast<void>(balloon.answer(Inflate{1, 2}));
    static_cast<void>(balloon.answer(Settle{2, {{9}}}));
    static_cast<void>(balloon.answer(Inflate{3, 1}));
    EXPECT_EQ(balloon.release(), 2U);
    EXPECT_THAT(source->out, IsEmpty());
    EXPECT_EQ(balloon.release(), 0U);
}

TEST_F(TheBalloon, TakesNothingWhereMemoryCannotBeSeen) {
    Balloon balloon = make({9});
    memory = fail(ErrorCode::io, "no /proc");
    EXPECT_EQ(std::get<Refused>(balloon.answer(Inflate{1, 1})).code, ErrorCode::io);
    EXPECT_THAT(source->out, IsEmpty());
}

TEST(ABalloonWithoutASource, SaysWhy) {
    Balloon balloon({nullptr, "too old", {}, std::nullopt});
    EXPECT_EQ(std::get<Refused>(balloon.answer(Inflate{1, 1})), (Refused{1, ErrorCode::unsupported, "too old"}));
    EXPECT_EQ(std::get<State>(balloon.answer(AskState{2})).method, "none");
    EXPECT_EQ(balloon.release(), 0U);
}

}  // namespace
}  // namespace aerostat::balloon::guest
