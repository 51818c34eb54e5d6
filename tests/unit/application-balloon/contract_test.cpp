#include <gtest/gtest.h>
#include <sodium.h>

#include <cstring>

#include "application-balloon/contract/pattern.h"
#include "application-balloon/contract/wire.h"

namespace aerostat::balloon {
namespace {

constexpr std::size_t kPieceBytes = kPiece.count();
const Secret kSecret{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
constexpr Frame kFrame{600};

std::vector<std::byte> piece_of(const Secret& secret, Frame frame) {
    std::vector<std::byte> piece(kPieceBytes);
    write_pattern(piece, secret, frame);
    return piece;
}

TEST(Frames, AreRefusedUnlessAscendingBoundedAndFew) {
    EXPECT_TRUE(check_frames(Frames{}));
    EXPECT_TRUE(check_frames(Frames{{0}, {7}, {kEndOfFrames - 1}}));
    EXPECT_FALSE(check_frames(Frames{{7}, {7}}));
    EXPECT_FALSE(check_frames(Frames{{8}, {7}}));
    EXPECT_FALSE(check_frames(Frames{{kEndOfFrames}}));
    Frames many;
    for (std::uint32_t number = 0; number <= kMostFrames; ++number) many.push_back({number});
    EXPECT_FALSE(check_frames(many));
    many.pop_back();
    EXPECT_TRUE(check_frames(many));
}

TEST(Pattern, IsFoundWhereItWasWritten) { EXPECT_EQ(wrong_pages(piece_of(kSecret, kFrame), kSecret, kFrame, 0), 0U); }

TEST(Pattern, IsFoundInAnyPartOfItsFrame) {
    const auto piece = piece_of(kSecret, kFrame);
    const auto part = std::span(piece).subspan(100 * kPage.count(), 12 * kPage.count());
    EXPECT_EQ(wrong_pages(part, kSecret, kFrame, 100), 0U);
    EXPECT_EQ(wrong_pages(part, kSecret, kFrame, 101), 12U);
}

TEST(Pattern, OfAnotherFrameIsWrongOnEveryPage) {
    EXPECT_EQ(wrong_pages(piece_of(kSecret, kFrame), kSecret, {kFrame.number + 1}, 0), 512U);
}

TEST(Pattern, OfAnotherSessionIsWrongOnEveryPage) {
    Secret other = kSecret;
    other.bytes[15] ^= 1U;
    EXPECT_EQ(wrong_pages(piece_of(other, kFrame), kSecret, kFrame, 0), 512U);
}

TEST(Pattern, MissesNoByteWhereverItStands) {
    auto piece = piece_of(kSecret, kFrame);
    for (std::size_t at = 0; at < kPieceBytes; at += 4099) {  // a prime: all places in a page and in a word
        piece[at] ^= std::byte{1};
        ASSERT_EQ(wrong_pages(piece, kSecret, kFrame, 0), 1U) << "byte " << at;
        piece[at] ^= std::byte{1};
        at += kPieceBytes / 200;
    }
    for (std::size_t at = 0; at < kPage.count(); ++at) {  // each byte of a page
        piece[at] ^= std::byte{0x80};
        ASSERT_EQ(wrong_pages(std::span(piece).first(kPage.count()), kSecret, kFrame, 0), 1U) << "byte " << at;
        piece[at] ^= std::byte{0x80};
    }
}

TEST(Pattern, IsNothingThatMemoryHoldsByItself) {
    for (const int value : {0, 0xaa, 0xff}) {
        std::vector<std::byte> piece(kPieceBytes);
        std::memset(piece.data(), value, piece.size());
        EXPECT_EQ(wrong_pages(piece, kSecret, kFrame, 0), 512U);
    }
}

TEST(Pattern, DiffersFromPageToPage) {
    const auto piece = piece_of(kSecret, kFrame);
    EXPECT_NE(std::memcmp(piece.data(), piece.data() + kPage.count(), kPage.count()), 0);
}

TEST(ASecret, IsReadBackAsItIsWritten) {
    EXPECT_EQ(to_hex(kSecret), "0102030405060708090a0b0c0d0e0f10");
    EXPECT_EQ(parse_secret(to_hex(kSecret)), kSecret);
    for (const char* text : {"", "01", "0102030405060708090A0B0C0D0E0F10", "0102030405060708090a0b0c0d0e0f1011",
                             "0102030405060708090a0b0c0d0e0fzz"})
        EXPECT_FALSE(parse_secret(text)) << text;
    EXPECT_NE(random_secret(), random_secret());
}

std::string_view without_newline(const std::string& line) { return std::string_view(line).substr(0, line.size() - 1); }

TEST(TheBalloonsWire, ReadsBackWhatItWrites) {
    for (const BalloonRequest& request :
         {BalloonRequest(AskState{1}), BalloonRequest(Inflate{2, 32}), BalloonRequest(Settle{3, {{5}, {9}}}),
          BalloonRequest(Settle{4, {}}), BalloonRequest(Deflate{4294967295U, 1})})
        EXPECT_EQ(parse_balloon_request(without_newline(line_of(request))), request) << line_of(request);
    for (const BalloonAnswer& answer :
         {BalloonAnswer(State{1, "huge-pages", kSecret, 3, 0}), BalloonAnswer(Told{2, {{1}, {2}}}),
          BalloonAnswer(Done{3, 7}), BalloonAnswer(Released{9}), BalloonAnswer(Refused{4, ErrorCode::busy, "so it is"}),
          BalloonAnswer(Refused{4, ErrorCode::timed_out, ""})})
        EXPECT_EQ(parse_balloon_answer(without_newline(line_of(answer))), answer) << line_of(answer);
}

const std::string kDomain = "0c3a4bd6-11d2-4a39-bd6c-0d5a2f6f3a01";

TEST(ThePunchsWire, ReadsBackWhatItWrites) {
    for (const PunchRequest& request :
         {PunchRequest(PunchOrder{1, TimePoint(Millis(77)), kDomain, kSecret, {{3}, {4}}}), PunchRequest(Look{2, kDomain})})
        EXPECT_EQ(parse_punch_request(without_newline(line_of(request))), request) << line_of(request);
    for (const PunchAnswer& answer :
         {PunchAnswer(Punched{1, kPiece, kPiece * 2, 512, 3, std::chrono::microseconds(1500), {{3}}}),
          PunchAnswer(Refused{2, ErrorCode::refused, "a device is passed through"})})
        EXPECT_EQ(parse_punch_answer(without_newline(line_of(answer))), answer) << line_of(answer);
}

TEST(TheWire, TakesNothingMalformed) {
    for (const char* line :
         {"", " ", "inflate", "inflate 1", "inflate 1 2 3", "inflate one 2", "inflate 1 -2", "inflate 1 +2", "inflate 01 2",
          "inflate 4294967296 1", "inflate 1 99999999999999999999", "settle 1 5 5", "settle 1 6 5", "settle 1 2147483648",
          "deflate  1 2", "explode 1", "state 1 2", "STATE 1"})
        EXPECT_FALSE(parse_balloon_request(line)) << line;
    const std::string hex = to_hex(kSecret);
    const std::vector<std::string> malformed = {"punch 1 9 " + kDomain,
                                                "punch 1 9 " + kDomain + " 00",
                                                "punch 1 9 ../../etc/passwd " + hex,
                                                "punch 1 9 " + kDomain + "0 " + hex,
                                                "punch 1 9 " + kDomain + " " + hex + " 1 1",
                                                "punch 1 " + kDomain + " " + hex + " 1",
                                                "punch 1 9223372036855 " + kDomain + " " + hex + " 1",
                                                "look 1",
                                                "look 1 " + kDomain + " 1"};
    for (const std::string& line : malformed) EXPECT_FALSE(parse_punch_request(line)) << line;
}

TEST(TheWire, BoundsAMessageToItsFrames) {
    std::string line = "settle 1";
    for (std::size_t frame = 0; frame < kMostFrames; ++frame) line += " " + std::to_string(frame);
    EXPECT_TRUE(parse_balloon_request(line));
    EXPECT_FALSE(parse_balloon_request(line + " 999999"));
}

TEST(TheWire, ShortensWhatIsTooLongToSay) {
    const std::string line = line_of(BalloonAnswer(Refused{1, ErrorCode::io, std::string(5000, 'x') + "\n"}));
    EXPECT_LT(line.size(), 400U);
    EXPECT_TRUE(parse_balloon_answer(without_newline(line)));
}

}  // namespace
}  // namespace aerostat::balloon
