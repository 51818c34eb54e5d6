#include <gtest/gtest.h>

#include <map>

#include "tests/unit/jvm-agent/fake_jvm.h"

// The regulator where chunks lie in an old generation, which full collections compact.
namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

/// A heap on paper with an old generation: a chunk is born young, and the next young collection moves it there.
class OldHeap final : public HeapPort, public ChunkPort {
public:
    OldHeap() {
        jvm.kind = CollectionKind::stop_the_world;
        jvm.region = 16_MiB;
        jvm.garbage = 200_MiB;
    }
    HeapFacts observe() override {
        HeapFacts facts = jvm.observe();
        facts.old = OldGeneration{saturating_sub(old_size, jvm.live + jvm.balloon()), promoted, reserve};
        return facts;
    }
    Result<procfs::Residency> measure_footprint() override { return jvm.measure_footprint(); }
    Status collect_fully() override {
        balloon_at_full_gc = jvm.balloon();
        return jvm.collect_fully();
    }
    Bytes chunk_size() const override { return jvm.chunk_size(); }
    Result<Chunk> inflate() override {
        auto chunk = jvm.inflate();
        if (chunk) note_section();
        if (chunk) born_at_[chunk->soft_reference] = jvm.young_gcs;
        return chunk;
    }
    bool is_cleared(const Chunk& chunk) override { return jvm.is_cleared(chunk); }
    void keep_alive(const Chunk& chunk) override { jvm.keep_alive(chunk); }
    void drop(Chunk chunk) override { jvm.drop(chunk); }
    void forget(Chunk chunk) override { jvm.forget(chunk); }
    Bytes resident(const Chunk& chunk) override { return jvm.resident(chunk); }
    Result<bool> release_again(Chunk& chunk) override {
        note_section();
        if (jvm.young_gcs > born_at_[chunk.soft_reference]) settled_.insert({chunk.soft_reference, true});
        return jvm.release_again(chunk);
    }
    bool is_settled(const Chunk& chunk) override { return settled_.contains(chunk.soft_reference); }

    FakeJvm jvm;
    Bytes old_size = 2_GiB, promoted = 10_MiB, reserve = 1_GiB;
    Bytes balloon_at_full_gc = Bytes(Bytes::kLimit);
    Duration closest_sections = 1h;
    int sections = 0;

private:
    void note_section() {
        if (sections++ > 0) closest_sections = std::min(closest_sections, jvm.clock.now() - last_section_);
        last_section_ = jvm.clock.now();
    }
    std::map<void*, std::uint64_t> born_at_;
    std::map<void*, bool> settled_;
    TimePoint last_section_{};
};

class RegulatorOldTest : public ::testing::Test {
protected:
    explicit RegulatorOldTest(LeverRule levers = &plan_no_levers, int full_gcs = 0) {
        RegulatorRules rules;
        rules.full_gcs = full_gcs;
        regulator = std::make_unique<Regulator>(
            RegulatorPorts{heap, heap, heap.jvm, levers, heap.jvm.clock, [this] { return cpu; }, [] { return false; },
                           [] { return Duration{}; }, [] { return Bytes(); }},
            rules,
            Regulator::Listener{[this](OperationResult r) { results.push_back(std::move(r)); },
                                [this](Pressure p) { pressures.push_back(std::move(p)); }});
    }
    /// The agent's loop; a young collection every `young_every`, if that is not zero.
    void run(Duration time, Duration young_every = 100ms) {
        const TimePoint until = heap.jvm.clock.now() + time;
        while (heap.jvm.clock.now() < until) {
            const Duration wait = regulator->advance(gc);
            cpu += 100us;
            heap.jvm.clock.advance(std::clamp<Duration>(wait, 2ms, 50ms));
            if (young_every > Duration::zero() && heap.jvm.clock.now() - collected_ >= young_every) {
                collected_ = heap.jvm.clock.now();
                heap.jvm.young_gc();
            }
        }
    }
    void squeeze(Bytes target, Millis deadline = 5s) {
        SetHeapTarget order;
        order.op = "op" + std::to_string(results.size());
        order.target = {target};
        order.deadline = deadline;
        regulator->accept(order);
    }
    std::size_t chunks() { return regulator->balloon().count(); }

    OldHeap heap;
    Duration cpu{};
    GcLoad gc;
    TimePoint collected_{};
    std::vector<OperationResult> results;
    std::vector<Pressure> pressures;
    std::unique_ptr<Regulator> regulator;
};

TEST_F(RegulatorOldTest, ChunksComeOneByOneWithTheProgramsYoungCollections) {
    const std::uint64_t before = heap.jvm.young_gcs;
    squeeze(1_GiB);
    run(4s);
    const std::uint64_t collections = heap.jvm.young_gcs - before;
    EXPECT_GE(chunks(), 8U);
    EXPECT_LE(chunks(), collections / 3 + 1);
    EXPECT_GE(heap.closest_sections, 10ms);
}

TEST_F(RegulatorOldTest, AnIdleProgramsBalloonIsOneChunkAndTheAnswerSaysWhy) {
    squeeze(1_GiB);
    run(6s, Duration::zero());
    EXPECT_EQ(chunks(), 1U);
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].reason, EndReason::deadline);
    EXPECT_NE(results[0].detail.find("young collections"), std::string::npos) << results[0].detail;
}

TEST_F(RegulatorOldTest, WhatYoungCollectionsHaveMovedIsReleasedAgainOnce) {
    squeeze(1_GiB);
    run(4s);
    EXPECT_EQ(heap.jvm.strong_handles, heap.sections - static_cast<int>(chunks()));
    EXPECT_LE(heap.jvm.strong_handles, static_cast<int>(chunks()));
    EXPECT_GE(heap.jvm.strong_handles, static_cast<int>(chunks()) - 1);
}

TEST_F(RegulatorOldTest, TheBalloonEndsWhereTheReserveDoes) {
    heap.reserve = 100_MiB;
    squeeze(1_GiB);
    run(6s);
    EXPECT_EQ(regulator->balloon().size().granted, 96_MiB);
    ASSERT_EQ(results.size(), 1U);
    EXPECT_NE(results[0].detail.find("refill-reserve"), std::string::npos) << results[0].detail;
    heap.reserve = 40_MiB;
    run(100ms);
    EXPECT_LE(regulator->balloon().size().granted, 40_MiB);
    EXPECT_EQ(regulator->distress(), "refill-reserve");
    EXPECT_EQ(pressures.size(), 1U);
}

TEST_F(RegulatorOldTest, AfterAFullCollectionPagesGoAgainAndThenTheChunks) {
    squeeze(1_GiB);
    run(6s);
    const std::size_t held = chunks();
    ASSERT_GT(held, 4U);
    const int before = heap.jvm.strong_handles;
    heap.jvm.full_gc();
    run(50ms, Duration::zero());
    EXPECT_EQ(chunks(), held) << "their pages first";
    run(2s, Duration::zero());
    EXPECT_EQ(chunks(), 0U);
    EXPECT_EQ(heap.jvm.strong_handles - before, static_cast<int>(held));
    EXPECT_GE(heap.closest_sections, 10ms);
    EXPECT_GE(pressures.size(), 1U);
}

TEST_F(RegulatorOldTest, ATargetThatIsLiftedMeanwhileLeavesTimeForThePages) {
    squeeze(1_GiB);
    run(6s);
    const std::size_t held = chunks();
    ASSERT_GT(held, 4U);
    const int before = heap.jvm.strong_handles;
    heap.jvm.full_gc();
    run(30ms, Duration::zero());
    regulator->lift();
    EXPECT_EQ(chunks(), held) << "their pages first";
    run(2s, Duration::zero());
    EXPECT_EQ(chunks(), 0U);
    EXPECT_EQ(heap.jvm.strong_handles - before, static_cast<int>(held));
}

TEST_F(RegulatorOldTest, AtTheAgentsEndWhatCameBackGoesAtOnce) {
    squeeze(1_GiB);
    run(6s);
    heap.jvm.full_gc();
    run(30ms, Duration::zero());
    ASSERT_GT(chunks(), 4U);
    regulator->lift(true);
    EXPECT_EQ(chunks(), 0U);
}

TEST_F(RegulatorOldTest, NothingButAnotherFullCollectionHurriesThatOn) {
    squeeze(1_GiB);
    run(6s);
    const std::size_t held = chunks();
    ASSERT_GT(held, 4U);
    const int before = heap.jvm.strong_handles;
    heap.jvm.full_gc();
    heap.reserve = 32_MiB;  // what has come back is taken from what the guest had free
    gc = {5.0, 0.1};
    run(50ms, Duration::zero());
    EXPECT_EQ(chunks(), held) << "their pages first; distress: " << regulator->distress();
    run(2s, 100ms);
    EXPECT_EQ(chunks(), 0U);
    EXPECT_GE(heap.jvm.strong_handles - before, static_cast<int>(held));
}

TEST_F(RegulatorOldTest, ASecondFullCollectionLeavesNoTimeForPages) {
    squeeze(1_GiB);
    run(6s);
    ASSERT_GT(chunks(), 4U);
    heap.jvm.full_gc();
    run(30ms, Duration::zero());
    heap.jvm.full_gc();
    run(30ms, Duration::zero());
    EXPECT_EQ(chunks(), 0U);
}

TEST_F(RegulatorOldTest, ChunksThatWereLetGoStayWithoutPagesUntilAFullCollection) {
    squeeze(1_GiB);
    run(6s);
    ASSERT_GT(chunks(), 4U);
    const Bytes resident = regulator->footprint().resident;
    heap.promoted = 2_GiB;  // the next young collections will not fit
    heap.jvm.clock.advance(1s);
    static_cast<void>(regulator->advance({}));
    EXPECT_EQ(chunks(), 0U);
    EXPECT_EQ(regulator->distress(), "full-gc-near");
    EXPECT_EQ(regulator->footprint().resident, resident);
}

TEST_F(RegulatorOldTest, ChunksThatWereLetGoAreNoGrowthOfTheProgram) {
    heap.jvm.max = heap.old_size = 1_GiB;
    heap.reserve = 400_MiB;
    squeeze(512_MiB, 20s);
    run(20s);
    ASSERT_GE(regulator->balloon().size().granted, 350_MiB);
    const Bytes occupied = regulator->application();
    heap.reserve = 200_MiB;
    run(2s);
    EXPECT_EQ(regulator->application(), occupied);
    EXPECT_GE(regulator->balloon().size().granted, 180_MiB) << "the rest is covered";
    ASSERT_EQ(pressures.size(), 1U);
}

TEST_F(RegulatorOldTest, AChunkThatCannotBeReleasedWhereItWasMovedEndsTheBalloon) {
    squeeze(1_GiB);
    run(2s);
    ASSERT_GT(chunks(), 0U);
    heap.jvm.locked = true;
    run(2s);
    EXPECT_EQ(chunks(), 0U);
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].reason, EndReason::not_reclaimable);
}

class AllowedFullGcsTest : public RegulatorOldTest {
protected:
    AllowedFullGcsTest() : RegulatorOldTest(&plan_full_collections, 2) {}
};

TEST_F(AllowedFullGcsTest, TheBalloonIsGoneBeforeOneThatTheAgentAsksFor) {
    heap.jvm.garbage = 0_B;
    squeeze(1_GiB);
    run(6s);
    ASSERT_GT(chunks(), 0U);
    heap.jvm.clock.advance(11min);  // the budget is whole again
    heap.jvm.in_memory = 3_GiB;
    squeeze(512_MiB);
    run(200ms, Duration::zero());
    EXPECT_EQ(heap.balloon_at_full_gc, 0_B);
}

}  // namespace
}  // namespace aerostat::agent
