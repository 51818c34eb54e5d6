#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "application-balloon/contract/pattern.h"
#include "application-balloon/host/act/punch.h"

namespace aerostat::balloon::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// As QEMU 7.2 says it of a guest with 3 GiB: a hole for devices, parts that are read only, other address spaces.
constexpr const char* kView = R"(FlatView #0
 AS "cpu-smm-0", root: memory
 Root memory region: memory
  0000000000000000-00000000ffffffff (prio 0, ram): smm.ram

FlatView #1
 AS "memory", root: system
 AS "cpu-memory-0", root: system
 Root memory region: system
  0000000000000000-00000000000c2fff (prio 0, ram): pc.ram
  00000000000c3000-00000000000e7fff (prio 0, rom): pc.ram @00000000000c3000
  0000000000100000-000000007fffffff (prio 0, ram): pc.ram @0000000000100000
  00000000fd000000-00000000fdffffff (prio 1, ramd): vga.vram
  00000000b0000000-00000000bfffffff (prio 0, i/o): pcie-mmcfg-mmio
  00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios
  0000000100000000-000000013fffffff (prio 0, ram): pc.ram @0000000080000000

FlatView #2
 AS "nothing", root: (none)
)";

TEST(TheMemoryMap, IsReadFromTheGuestsOwnAddressSpace) {
    EXPECT_THAT(*parse_flat_view(kView), ElementsAre(RamRange{0x100000, 0x7ff00000}, RamRange{0x100000000, 0x40000000}));
}

TEST(TheMemoryMap, IsRefusedWhereItIsNone) {
    for (const std::string& text : {std::string(), std::string("FlatView #0\n"), std::string(5U << 20U, 'x'),
                                    std::string(" AS \"memory\",\n  0-fffffff (prio 0, ram): pc.ram\n")})
        EXPECT_FALSE(parse_flat_view(text));
    EXPECT_FALSE(
        parse_flat_view("FlatView #0\n AS \"memory\", root: system\n"
                        "  0000000000000000-00000000ffffffff (prio 0, ram): a\n"
                        "  0000000000200000-00000000005fffff (prio 0, ram): b\n"));
    EXPECT_FALSE(
        parse_flat_view("FlatView #0\n AS \"memory\", root: system\n"
                        "  0000000000000000-ffffffffffffffff (prio 0, ram): a\n"));
}

TEST(AHostAddress, IsTakenFromQemusAnswerOnly) {
    EXPECT_EQ(parse_host_address("Host virtual address for 0x100000 (pc.ram) is 0x7f3c5fe00000\r\n"), 0x7f3c5fe00000U);
    for (const char* text :
         {"", "No memory is mapped at address 0x5", "Host virtual address for 0x1 (pc.ram) is 0x",
          "Host virtual address for 0x1 (pc.ram) is 0x0", " is 0x12", "Host virtual address for 0x1 (x) is 0x12 is zz"})
        EXPECT_FALSE(parse_host_address(text)) << text;
}

const std::vector<HostMapping> kMappings{{0x1000, 0x2000, 7, 0, false},
                                         {0x7f0000000000, 0x7f00c0000000, 42, 0, true},
                                         {0x7f8000000000, 0x7f8010000000, 43, 0x200000, true}};

TEST(APart, LiesWhereQemuHasIt) {
    EXPECT_EQ(part_behind({0x100000000, 0x40000000}, 0x7f0080000000, 0x7f00bfffffff, kMappings),
              (FilePart{{0x100000000, 0x40000000}, 42, 0x80000000}));
    EXPECT_EQ(part_behind({0, 0x200000}, 0x7f8000000000, 0x7f80001fffff, kMappings)->offset, 0x200000U);
}

TEST(APart, IsRefusedWhereTheAnswersDoNotFit) {
    const RamRange range{0, 0x200000};
    EXPECT_EQ(part_behind(range, 0x7f0000000000, 0x7f0000200000, kMappings).error().code, ErrorCode::bad_value);
    EXPECT_EQ(part_behind(range, 0x7f00bff00000, 0x7f00c00fffff, kMappings).error().code, ErrorCode::bad_value);
    EXPECT_EQ(part_behind(range, 0x5000, 0x204fff, kMappings).error().code, ErrorCode::bad_value);
    EXPECT_EQ(part_behind({0, 0x1000}, 0x1000, 0x1fff, kMappings).error().code, ErrorCode::unsupported);
}

const std::vector<FilePart> kParts{{{0x100000, 0x7ff00000}, 42, 0x100000}, {{0x100000000, 0x40000000}, 42, 0x80000000}};

TEST(AFrameOfTheGuest, LiesLowerInTheFileAboveTheHole) {
    EXPECT_EQ(place_of({1}, kParts), (Place{42, 0x200000}));
    EXPECT_EQ(place_of({0x100000000 >> 21}, kParts), (Place{42, 0x80000000}));
    EXPECT_EQ(place_of({(0x140000000 >> 21) - 1}, kParts), (Place{42, 0xbfe00000}));
}

TEST(AFrameOfTheGuest, IsNowhereUnlessWhollyRam) {
    for (const std::uint32_t frame :
         {0U, 0x80000000U >> 21U, 0xfffU >> 1U, static_cast<std::uint32_t>(0x140000000ULL >> 21U), kEndOfFrames - 1})
        EXPECT_EQ(place_of({frame}, kParts), std::nullopt) << frame;
    EXPECT_EQ(place_of({1}, {{{0, 0x40000000}, 42, 0x1000}}), std::nullopt);  // not whole in the file
    EXPECT_EQ(place_of({0}, {{{0, 0x1000}, 42, 0}}), std::nullopt);
}

// Guest RAM in a few pieces, by place in the file; what is not there is zero, as in a hole.
class FakeRam final : public RamFiles {
public:
    Status read(const Place& place, std::span<std::byte> to) override {
        before_read();
        EXPECT_TRUE(paused) << "read while the guest runs";
        const std::uint64_t piece = place.offset / kPiece.count() * kPiece.count();
        if (broken.contains(piece)) return fail(ErrorCode::io, "broken");
        std::memset(to.data(), 0, to.size());
        if (const auto found = pieces.find(piece); found != pieces.end())
            std::memcpy(to.data(), found->second.data() + (place.offset - piece), to.size());
        return {};
    }
    Status punch(const Place& place) override {
        EXPECT_TRUE(paused) << "punched while the guest runs";
        pieces.erase(place.offset);
        return {};
    }
    Bytes held() override { return kPiece * pieces.size(); }

    std::map<std::uint64_t, std::vector<std::byte>> pieces;
    std::map<std::uint64_t, bool> broken;
    std::function<void()> before_read = [] {};
    bool paused = false;
};

class FakeMachine final : public Machine {
public:
    explicit FakeMachine(FakeRam& ram, ManualClock& clock) : ram_(ram), clock_(clock) {}
    Status may_be_punched() override {
        if (allowed_looks-- <= 0) return fail(ErrorCode::refused, "a job is under way");
        return {};
    }
    Status pause() override {
        clock_.advance(pausing_takes);
        if (!can_pause) return fail(ErrorCode::io, "libvirt is away");
        ram_.paused = true;
        ++pauses;
        return {};
    }
    void resume() override {
        clock_.advance(std::chrono::milliseconds(10 * pauses));
        ram_.paused = false;
        ++resumes;
    }

    int allowed_looks = 1000;
    bool can_pause = true;
    Duration pausing_takes{};
    int pauses = 0;
    int resumes = 0;

private:
    FakeRam& ram_;
    ManualClock& clock_;
};

const Secret kSecret{{1, 2, 3}};

class Punching : public testing::Test {
protected:
    void hold(std::uint32_t frame) {
        auto& piece = ram.pieces[place_of({frame}, kParts)->offset];
        piece.resize(kPiece.count());
        write_pattern(piece, kSecret, {frame});
    }
    Result<Punched> punch_frames(Frames frames) {
        return punch({5, until, "domain", kSecret, std::move(frames)}, machine, ram, kParts, clock);
    }

    ManualClock clock;
    TimePoint until = clock.now() + std::chrono::seconds(8);
    FakeRam ram;
    FakeMachine machine{ram, clock};
};

TEST_F(Punching, TakesWhatCarriesThePattern) {
    hold(3);
    hold(2050);
    const auto done = punch_frames({{3}, {2050}});
    ASSERT_TRUE(done);
    EXPECT_EQ(done->taken, (Frames{{3}, {2050}}));
    EXPECT_EQ(done->freed, kPiece * 2);
    EXPECT_EQ(done->checked, kPiece * 2);
    EXPECT_EQ(done->paused, std::chrono::milliseconds(10));
    EXPECT_THAT(ram.pieces, IsEmpty());
    EXPECT_EQ(machine.resumes, 1);
}

TEST_F(Punching, LeavesAFrameAloneForOneWrongByte) {
    hold(3);
    hold(4);
    ram.pieces[4 * kPiece.count()][kPiece.count() - 1] ^= std::byte{1};
    const auto done = punch_frames({{3}, {4}});
    EXPECT_EQ(done->taken, Frames{{3}});
    EXPECT_EQ(done->wrong, 1U);
    EXPECT_TRUE(ram.pieces.contains(4 * kPiece.count()));
}

TEST_F(Punching, TakesNothingFromALiar) {
    ram.pieces[7 * kPiece.count()] = std::vector<std::byte>(kPiece.count(), std::byte{0x55});  // somebody's data
    hold(8);
    ram.pieces[9 * kPiece.count()] = ram.pieces[8 * kPiece.count()];  // a copy of what stands elsewhere
    const auto done = punch_frames({{0}, {7}, {9}, {1500}, {kEndOfFrames - 1}});
    EXPECT_EQ(done->taken, Frames{});
    EXPECT_EQ(done->wrong, 1024U);
    EXPECT_EQ(done->outside, 3U);
    EXPECT_EQ(ram.pieces.size(), 3U);
}

TEST_F(Punching, DoesNotStopAGuestForFramesThatAreNotItsOwn) {
    const auto done = punch_frames({{0}, {kEndOfFrames - 1}});
    EXPECT_EQ(done->outside, 2U);
    EXPECT_EQ(machine.pauses, 0);
}

TEST_F(Punching, StopsTheGuestAnewForEachBatch) {
    Frames frames;
    for (std::uint32_t frame = 1; frame <= 129; ++frame) frames.push_back({frame});
    hold(1);
    hold(129);
    const auto done = punch_frames(frames);
    EXPECT_EQ(done->taken, (Frames{{1}, {129}}));
    EXPECT_EQ(machine.pauses, 2);
    EXPECT_EQ(machine.resumes, 2);
    EXPECT_EQ(done->paused, std::chrono::milliseconds(20));  // the longest
}

TEST_F(Punching, IsRefusedBeforeAPauseAndInsideOfIt) {
    hold(3);
    machine.allowed_looks = 0;
    EXPECT_EQ(punch_frames({{3}}).error().code, ErrorCode::refused);
    EXPECT_EQ(machine.pauses, 0);
    machine.allowed_looks = 1;  // a migration begins between look and pause
    EXPECT_EQ(punch_frames({{3}}).error().code, ErrorCode::refused);
    EXPECT_EQ(machine.pauses, 1);
    EXPECT_EQ(machine.resumes, 1);
    EXPECT_FALSE(ram.pieces.empty());
}

TEST_F(Punching, DoesNotStopAGuestForAnOrderWhoseTimeIsOver) {
    hold(3);
    clock.set(until);
    EXPECT_EQ(punch_frames({{3}}).error().code, ErrorCode::timed_out);
    EXPECT_EQ(machine.pauses, 0);
    EXPECT_FALSE(ram.pieces.empty());
}

TEST_F(Punching, TakesNothingWhenTheStopLastedBeyondTheOrdersTime) {
    hold(3);
    machine.pausing_takes = std::chrono::seconds(60);
    EXPECT_EQ(punch_frames({{3}}).error().code, ErrorCode::timed_out);
    EXPECT_EQ(machine.resumes, 1);
    EXPECT_FALSE(ram.pieces.empty());
}

TEST_F(Punching, SaysWhatItTookUntilTheOrdersTimeWasOver) {
    hold(3);
    hold(4);
    ram.before_read = [this] { clock.set(until); };
    EXPECT_EQ(punch_frames({{3}, {4}})->taken, Frames{{3}});
    EXPECT_EQ(machine.resumes, 1);
    EXPECT_EQ(ram.pieces.size(), 1U);
}

TEST_F(Punching, FailsWhereTheGuestCannotBeStopped) {
    hold(3);
    machine.can_pause = false;
    EXPECT_EQ(punch_frames({{3}}).error().code, ErrorCode::io);
    EXPECT_EQ(machine.resumes, 0);
    EXPECT_FALSE(ram.pieces.empty());
}

TEST_F(Punching, LetsTheGuestGoOnWhateverHappens) {
    hold(3);
    hold(4);
    ram.broken[3 * kPiece.count()] = true;
    const auto done = punch_frames({{3}, {4}});
    EXPECT_EQ(done->taken, Frames{{4}});
    EXPECT_EQ(machine.resumes, machine.pauses);
}

TEST_F(Punching, KeepsWhatItTookWhenAMigrationEndsIt) {
    Frames frames;
    for (std::uint32_t frame = 1; frame <= 129; ++frame) frames.push_back({frame});
    hold(1);
    hold(129);
    machine.allowed_looks = 2;
    const auto done = punch_frames(frames);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->taken, Frames{{1}});
}

TEST_F(Punching, TakesNoListThatIsOutOfOrder) { EXPECT_EQ(punch_frames({{4}, {3}}).error().code, ErrorCode::bad_value); }

}  // namespace
}  // namespace aerostat::balloon::host
