#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "host-controller/app/history_command.h"
#include "host-controller/app/history_files.h"
#include "host-controller/app/history_views.h"
#include "host-controller/decide/policies.h"
#include "host-controller/decide/tracking.h"
#include "tests/unit/host-controller/host_builders.h"

namespace aerostat::host::app {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

// A host in which one guest needs what another holds, with some of everything that is remembered.
DecisionRecord a_record() {
    DecisionRecord record;
    record.wall = std::chrono::system_clock::now();
    record.now = kStart;
    record.acted = true;
    LayerSeen cache = held_at(a_heap("cache", 80_MiB, 20_MiB, 200_MiB, 1e6), 80_MiB);
    cache.kind = LayerKind::guest_os;
    record.seen.guests = {a_guest("idle", {held_at(a_heap("heap", 600_MiB, 100_MiB, 1_GiB), 600_MiB), cache}),
                          a_guest("busy", {held_at(a_heap("heap", 200_MiB, 100_MiB, 1_GiB, 1e8), 200_MiB)})};
    record.rules = rules_for(1_GiB, 64_MiB, {128_MiB, 2_GiB, 1.5});
    note_ordered(record.before, {"session:idle", "cache"}, 80_MiB, kStart + 2s);
    LayerTrack& track = record.before.tracks.at({"session:idle", "cache"});
    track.reach = Reach{90_MiB, 50_MiB, kStart + 30s, 30s};
    track.unused_since = kStart - 3s;
    track.growth = Growth{80_MiB, kStart - 1s, 1_MiB, 1_MiB, 5_MiB, 9_MiB, 90_MiB, kStart - 9s};
    record.seen.guests[1].layers[0].known_for = 20s;
    record.seen.guests[1].layers[0].curve_seen = 12s;
    set_ceiling(record.before, {"session:busy", "heap"}, 900_MiB, kStart + 1h);
    record.before.paused_guests.insert("session:other");
    note_urgent(record.before, record.seen.guests[1], "", 10_MiB, record.rules, kStart);
    record.plan = decide(record.seen, record.before, record.rules, record.now);
    return record;
}

class History : public ::testing::Test {
protected:
    History() {
        std::string pattern = fs::temp_directory_path() / "aerostat-history-XXXXXX";
        base_ = ::mkdtemp(pattern.data());
        directory_ = base_ + "/history";
    }
    ~History() override {
        ::umount2(base_.c_str(), MNT_DETACH);
        std::error_code none;
        fs::remove_all(base_, none);
    }
    [[nodiscard]] std::vector<std::string> lines() const {
        std::vector<std::string> all;
        static_cast<void>(read_history(directory_, [&](std::string_view line) {
            all.emplace_back(line);
            return true;
        }));
        return all;
    }
    // Zero for a file that has just been removed.
    [[nodiscard]] static std::uintmax_t size_if_there(const std::string& file) {
        std::error_code none;
        const std::uintmax_t size = fs::file_size(file, none);
        return none ? 0 : size;
    }
    [[nodiscard]] std::uintmax_t size() const {
        std::uintmax_t sum = 0;
        for (const std::string& file : history_files(directory_)) sum += fs::file_size(file);
        return sum;
    }

    std::string base_;
    std::string directory_;
};

TEST(HistoryRecord, DecidedAgainItComesToTheSamePlan) {
    const DecisionRecord record = a_record();
    const auto line = encode_record(record);
    ASSERT_TRUE(line) << line.error().message;
    const auto read = decode_record(*line);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*encode_record(*read), *line);
    const HostPlan again = decide(read->seen, read->before, read->rules, read->now);
    ASSERT_EQ(again.layers.size(), record.plan.layers.size());
    EXPECT_FALSE(record.plan.orders.empty());
    for (std::size_t i = 0; i < again.layers.size(); ++i) {
        EXPECT_EQ(again.layers[i].target, record.plan.layers[i].target);
        EXPECT_EQ(again.layers[i].next, record.plan.layers[i].next);
        EXPECT_EQ(again.layers[i].why, record.plan.layers[i].why);
    }
    EXPECT_EQ(again.price, record.plan.price);
    EXPECT_EQ(again.held, record.plan.held);
}

TEST(HistoryRecord, WhatWasKeptReadyIsKeptAndExplained) {
    DecisionRecord record = a_record();
    EXPECT_THAT(explain_record(record), Not(HasSubstr("kept ready")));
    EXPECT_THAT(*encode_record(record), Not(HasSubstr("ready_bytes"))) << "as earlier records have it";
    record.plan.ready = 120_MiB;
    const auto read = decode_record(*encode_record(record));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->plan.ready, 120_MiB);
    EXPECT_THAT(explain_record(*read), HasSubstr("of it 120 MiB kept ready for heaps that grow faster than others give\n"));
}

TEST(HistoryRecord, AnyDamageIsAnErrorNeverACrash) {
    const std::string line = *encode_record(a_record());
    for (std::size_t cut = 0; cut + 1 < line.size(); cut += 7) EXPECT_FALSE(decode_record(line.substr(0, cut)));
    EXPECT_FALSE(decode_record(""));
    EXPECT_FALSE(decode_record("{\"v\":2}"));
    for (std::size_t i = 0; i < line.size(); i += 11) {
        std::string damaged = line;
        damaged[i] = damaged[i] == '-' ? '9' : '-';
        if (const auto read = decode_record(damaged)) static_cast<void>(explain_record(*read));
    }
}

TEST(HistoryRecord, ReplayShowsWhatAnotherPolicyWouldHaveMadeOfIt) {
    Replay same(nullptr);
    same.add(a_record());
    EXPECT_EQ(same.alike(), 1U);
    Replay other(&static_shares());
    other.add(a_record());
    EXPECT_EQ(other.decisions(), 1U);
    EXPECT_EQ(other.alike(), 0U);
    EXPECT_THAT(other.render(), HasSubstr("replayed (static)"));
}

TEST_F(History, KeepsTheNewestWithinItsLimit) {
    HistoryWriter writer(directory_, 80_KiB);
    const std::string line(900, 'x');
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(writer.append(std::to_string(i) + line + "\n"));
        ASSERT_LE(size(), 80U * 1024);
    }
    const auto kept = lines();
    EXPECT_GT(kept.size(), 60U);
    EXPECT_EQ(kept.back().substr(0, 4), "999x");
    EXPECT_FALSE(writer.append(std::string(20'000, 'x') + "\n")) << "longer than an eighth";
    EXPECT_TRUE(writer.append("after\n"));
    EXPECT_EQ(lines().back(), "after");
}

TEST_F(History, IsForItsOwnerOnly) {
    HistoryWriter writer(directory_, 1_MiB);
    ASSERT_TRUE(writer.append("x\n"));
    struct stat seen {};
    ASSERT_EQ(::stat(directory_.c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 0077U, 0U);
}

TEST_F(History, ATornLineIsDroppedAndTheNextWriterGoesOnBehindIt) {
    {
        HistoryWriter writer(directory_, 1_MiB);
        ASSERT_TRUE(writer.append("first\n"));
    }
    std::ofstream(history_files(directory_).back(), std::ios::app) << "half a li";
    HistoryWriter writer(directory_, 1_MiB);
    ASSERT_TRUE(writer.append("second\n"));
    EXPECT_THAT(lines(), ::testing::ElementsAre("first", "second"));
}

TEST_F(History, AWriterKilledAtAnyMomentLeavesWholeRecords) {
    const std::string record = *encode_record(a_record());
    const auto newest = [&]() -> std::pair<std::string, std::uintmax_t> {
        const auto all = history_files(directory_);
        return all.empty() ? std::pair<std::string, std::uintmax_t>()
                           : std::pair(std::string(all.back()), size_if_there(all.back()));
    };
    for (int round = 0; round < 40; ++round) {
        const auto before = newest();
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            HistoryWriter writer(directory_, 1_MiB);
            while (writer.append(record)) {
            }
            ::_exit(1);  // a full disk, for instance: the round ends, and says so
        }
        // Somewhere in the middle of its writing, at another place each time.
        const std::uintmax_t wanted = 1 + static_cast<std::uintmax_t>(round) * 3001;
        const auto written = [&] {
            const auto now = newest();
            return now.second - (now.first == before.first ? std::min(before.second, now.second) : 0);
        };
        int status = 0;
        pid_t ended = 0;
        while (ended == 0 && written() < wanted) {
            ::usleep(50);
            ended = ::waitpid(child, &status, WNOHANG);
        }
        ASSERT_EQ(ended, 0) << "the writer gave up: status " << status << ", round " << round;
        ::kill(child, SIGKILL);
        ASSERT_EQ(::waitpid(child, nullptr, 0), child);
        const auto kept = lines();
        for (const std::string& line : kept) ASSERT_EQ(line + "\n", record) << "round " << round;
    }
    EXPECT_FALSE(lines().empty());
}

TEST_F(History, AFullDiskCostsTheOldestAndIsNoEnd) {
    if (::mount("aerostat-test", base_.c_str(), "tmpfs", 0, "size=256k") != 0)
        GTEST_SKIP() << "needs the right to mount a small tmpfs";
    HistoryWriter writer(directory_, 8_MiB);  // more than the disk has
    const std::string line = std::string(2000, 'x') + "\n";
    int failed = 0;
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(writer.append(line));
    std::ofstream(base_ + "/other") << std::string(120 * 1024, 'y') << std::flush;
    for (int i = 0; i < 50; ++i) failed += writer.append(line) ? 0 : 1;
    EXPECT_GT(failed, 0) << "the disk was meant to be full";
    for (const std::string& one : lines()) ASSERT_EQ(one.size(), 2000U) << "something torn was read";
    fs::remove(base_ + "/other");
    ASSERT_TRUE(writer.append("again\n"));
    EXPECT_EQ(lines().back(), "again");
}

TEST_F(History, ExplainFindsADecisionByGuestAndByTime) {
    HistoryWriter writer(directory_, 1_MiB);
    DecisionRecord record = a_record();
    record.wall -= 1h;
    ASSERT_TRUE(writer.append(*encode_record(record)));
    HistoryQuery query;
    query.directory = directory_;
    query.what = "idle";
    const auto told = explain(query);
    ASSERT_TRUE(told) << told.error().message;
    EXPECT_THAT(*told, HasSubstr("at its floor"));
    query.what = "nobody";
    EXPECT_THAT(explain(query).error().message, HasSubstr("nobody"));
    query.what = "30m";
    EXPECT_TRUE(explain(query));
    query.what = "2h";
    EXPECT_FALSE(explain(query)) << "it is younger";
    query.since = "30m";
    EXPECT_EQ(*show_history(query), "");
    query.since.clear();
    EXPECT_THAT(*show_history(query), HasSubstr("idle/heap 600 MiB"));
    query.directory = base_ + "/none";
    EXPECT_EQ(show_history(query).error().code, ErrorCode::not_found);
}

TEST_F(History, BelongsToItsReadersAndIsFoundBesideTheSockets) {
    const gid_t readers = ::geteuid() == 0 ? 42'000 : ::getegid();
    HistoryWriter writer(directory_, 1_MiB, {readers});
    ASSERT_TRUE(writer.append("line\n"));
    struct stat seen {};
    ASSERT_EQ(::stat(history_files(directory_).front().c_str(), &seen), 0);
    EXPECT_EQ(seen.st_gid, readers);
    EXPECT_EQ(seen.st_mode & 0777U, 0640U);
    ASSERT_EQ(::stat(directory_.c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 0777U, 0750U);

    const std::string beside = base_ + "/beside";
    for (int again = 0; again < 2; ++again) ASSERT_TRUE(point_to_history(beside, directory_));
    EXPECT_EQ(history_files(beside).size(), 1U);
    ASSERT_TRUE(point_to_history(beside, base_ + "/other")) << "it has moved";
    EXPECT_EQ(fs::read_symlink(beside), base_ + "/other");
    ASSERT_TRUE(point_to_history(directory_, directory_)) << "nothing to do";
    EXPECT_EQ(point_to_history(directory_, beside).error().code, ErrorCode::refused) << "a folder is not taken away";
}

TEST_F(History, OneOfSeveralGroupsOfReadersIsEnough) {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: whether members of other groups can read it was not tried";
    HistoryWriter writer(directory_, 1_MiB, {42'000, 42'001});
    ASSERT_TRUE(writer.append("line\n"));
    if (!writer.unreadable().empty()) GTEST_SKIP() << writer.unreadable();
    ::chmod(base_.c_str(), 0755);
    const std::string file = history_files(directory_).front();
    const auto can_read = [&](gid_t group) {
        const pid_t child = ::fork();
        if (child == 0) {
            const bool is_other = ::setgroups(1, &group) == 0 && ::setgid(65534) == 0 && ::setuid(65534) == 0;
            ::_exit(is_other && ::open(file.c_str(), O_RDONLY) >= 0 && ::open(file.c_str(), O_WRONLY) < 0 ? 0 : 1);
        }
        int status = -1;
        ::waitpid(child, &status, 0);
        return status == 0;
    };
    EXPECT_TRUE(can_read(42'000));
    EXPECT_TRUE(can_read(42'001));
    EXPECT_FALSE(can_read(42'002));
}

}  // namespace
}  // namespace aerostat::host::app
