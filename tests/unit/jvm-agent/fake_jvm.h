#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "jvm-agent/act/regulator.h"

namespace aerostat::agent {

/// A heap on paper, behind the ports of the real one: G1's unless `kind` says otherwise. Bytes move only by the calls of a
/// test and of the regulator, and time passes only as calls are said to cost it.
class FakeJvm final : public HeapPort, public ChunkPort, public FlagPort {
public:
    Bytes max{Bytes(4ULL << 30)};
    Bytes minimum{Bytes(8 << 20)};
    Bytes region{Bytes(2 << 20)};
    Bytes committed{Bytes(3ULL << 30)};
    Bytes in_memory{Bytes(3ULL << 30)};  ///< of the heap, chunks not counted
    Bytes live{Bytes(128 << 20)};
    Bytes garbage;
    std::uint64_t young_gcs = 0, cycle_pauses = 0, full_gcs = 0, pauses = 0, asked_cycles = 0;
    std::map<std::string, FlagState, std::less<>> flags{{"MinHeapFreeRatio", {40, false}},
                                                        {"MaxHeapFreeRatio", {70, false}},
                                                        {"G1PeriodicGCInterval", {0, false}},
                                                        {"G1PeriodicGCInvokesConcurrent", {1, false}}};
    std::vector<FlagSetting> flag_calls;
    std::string refuse_flag;  ///< set() fails for this one
    bool refuse_chunks = false;
    bool locked = false;  ///< the kernel keeps pages (mlockall)
    bool footprint_fails = false;
    Bytes peak_used;           ///< told once
    Bytes back_in_each_chunk;  ///< pages that came back
    CollectionKind kind = CollectionKind::young_and_marking;
    bool levers_give = true;  ///< of collectors of concurrent cycles
    bool collecting = false;  ///< a cycle runs: they say so
    bool was_periodic = false;
    double keeps = 0;  ///< of what it could uncommit, for the next cycle
    Bytes headroom;
    Duration gives_back_after{};  ///< HeapFacts::gives_back_after
    std::uint64_t stalls = 0;
    Duration stopped{};          ///< all pauses
    double grows_at_pauses = 0;  ///< HeapFacts::grows_at_pauses
    ManualClock clock;
    Duration look_cost{}, full_gc_cost{};
    Duration chunk_takes{};             ///< time that passes with each chunk
    Duration chunk_cpu{}, cpu_spent{};  ///< processor time of each chunk, of all
    int strong_handles = 0;             ///< calls of release_again()

    /// To the collector: with chunks let go that it has not found yet, without those that it took.
    [[nodiscard]] Bytes balloon() const { return region * (chunks_.size() + dropped_ - cleared_); }
    [[nodiscard]] Bytes used() const { return live + garbage + balloon(); }
    [[nodiscard]] bool works_in_cycles() const {
        return kind == CollectionKind::whole_heap_cycles || kind == CollectionKind::generational_cycles;
    }
    /// What the kernel would count.
    [[nodiscard]] Bytes resident_heap() const { return std::max(in_memory, live + garbage); }

    /// A young collection: what was dropped comes free, unless it lies in an old generation.
    void young_gc() {
        if (kind != CollectionKind::stop_the_world) dropped_ = 0;
        ++young_gcs;
        ++pauses;
        used_after_ = used();
    }
    /// A concurrent cycle with the young collection after it: garbage goes, and the heap is sized by the free ratios.
    void cycle() {
        cycle_pauses += 2;
        pauses += 2;
        garbage = Bytes();
        young_gc();
        unused_since_ = clock.now();
        if (works_in_cycles()) return give_back_down_to_soft_maximum();
        const double free_share = static_cast<double>(flag("MaxHeapFreeRatio")) / 100;
        const Bytes wanted = std::max(minimum, round_up(share_of(used(), 1 / (1 - free_share)), region));
        committed = std::min(committed, wanted + share_of(saturating_sub(committed, wanted), keeps));
        const double least_free = static_cast<double>(flag("MinHeapFreeRatio")) / 100;
        committed = std::max(committed, std::min(max, round_up(share_of(used(), 1 / (1 - least_free)), region)));
        in_memory = std::min(in_memory, saturating_sub(committed, balloon()));
    }
    /// A pause of a concurrent cycle: what the program has allocated since the last young collection is still there.
    void remark() {
        ++cycle_pauses;
        ++pauses;
        used_after_ = used();
    }
    void full_gc() {
        ++full_gcs;
        ++pauses;
        garbage = Bytes();
        dropped_ = 0;
        used_after_ = used();
    }
    /// The collector takes all soft chunks.
    void clear_all_chunks() {
        std::for_each(chunks_.begin(), chunks_.end(), [](auto& c) { c.second = true; });
        cleared_ = chunks_.size();
    }
    /// Cycles that the interval flag would cause, `times` of them.
    void let_cycles_run(int times) {
        for (int i = 0; i < times && flag("G1PeriodicGCInterval") > 0; ++i) cycle();
    }

    HeapFacts observe() override {
        committed = std::max(committed, round_up(used(), region));
        HeapFacts facts{max,    minimum,   region,       committed, used(), used_after_, Bytes(),
                        pauses, young_gcs, cycle_pauses, full_gcs,  stalls, kind};
        facts.peak_used = std::exchange(peak_used, Bytes());
        facts.was_periodic = was_periodic;
        facts.stopped = stopped;
        facts.grows_at_pauses = grows_at_pauses;
        if (!works_in_cycles()) return facts;
        facts.used_after_gc = Bytes();
        facts.full_gcs.reset();
        facts.whole_gcs = cycle_pauses / 2;
        facts.levers_give = levers_give;
        facts.collecting = collecting;
        facts.headroom = headroom;
        facts.gives_back_after = gives_back_after;
        return facts;
    }
    Result<procfs::Residency> measure_footprint() override {
        clock.advance(look_cost);
        if (footprint_fails) return fail(ErrorCode::io, "no smaps");
        const bool goes_back = gives_back_after > Duration::zero() && clock.now() - unused_since_ >= gives_back_after;
        if (goes_back) in_memory = std::min(in_memory, std::max(minimum, live + garbage));
        in_memory = resident_heap();
        procfs::Residency seen;
        seen.rss = in_memory;
        return seen;
    }
    /// As Serial does: half of what is too much goes with each. As Shenandoah does: soft references go.
    Status collect_fully() override {
        clock.advance(full_gc_cost);
        if (works_in_cycles()) {
            ++asked_cycles;
            clear_all_chunks();
            cycle();
            return {};
        }
        full_gc();
        const double free_share = static_cast<double>(flag("MaxHeapFreeRatio")) / 100;
        const Bytes wanted = round_up(share_of(used(), 1 / (1 - free_share)), region);
        if (full_gcs > 1) committed = wanted + saturating_sub(committed, wanted) / 2;
        in_memory = std::min(in_memory, committed);
        return {};
    }
    Bytes chunk_size() const override { return region; }
    Result<Chunk> inflate() override {
        if (refuse_chunks || used() + region > max) return fail(ErrorCode::refused, "no room");
        next_ += 1;
        clock.advance(chunk_takes);
        cpu_spent += chunk_cpu;
        chunks_[next_] = false;
        const Bytes idle = saturating_sub(in_memory, live + garbage);
        in_memory = saturating_sub(in_memory, std::min(idle, region));
        return Chunk{reinterpret_cast<void*>(next_), {next_ * region.count(), (next_ + 1) * region.count()}};
    }
    bool is_cleared(const Chunk& chunk) override { return chunks_.at(id(chunk)); }
    void keep_alive(const Chunk&) override { ++kept_alive; }
    void drop(Chunk chunk) override {
        if (!chunks_.at(id(chunk))) ++dropped_;
        forget(chunk);
    }
    void forget(Chunk chunk) override {
        if (chunks_.at(id(chunk))) --cleared_;
        chunks_.erase(id(chunk));
    }
    Bytes resident(const Chunk&) override { return back_in_each_chunk; }
    Result<bool> release_again(Chunk& chunk) override {
        ++strong_handles;
        if (locked) return fail(ErrorCode::denied, "locked in memory");
        return !chunks_.at(id(chunk));
    }
    std::optional<FlagState> read(std::string_view name) override {
        const auto found = flags.find(name);
        return found == flags.end() ? std::nullopt : std::optional(found->second);
    }
    [[nodiscard]] std::int64_t flag(const char* name) const { return flags.at(name).value; }
    Status set(const FlagSetting& setting) override {
        if (setting.name == refuse_flag) return fail(ErrorCode::refused, "no");
        flag_calls.push_back(setting);
        const std::int64_t before = std::exchange(flags.at(setting.name).value, setting.value);
        if (flag("MinHeapFreeRatio") <= flag("MaxHeapFreeRatio")) return {};
        flags.at(setting.name).value = before;
        return fail(ErrorCode::refused, "Min > Max");
    }
    std::size_t chunk_count() const { return chunks_.size(); }
    int kept_alive = 0;

private:
    void give_back_down_to_soft_maximum() {
        const auto soft = flags.find("SoftMaxHeapSize");
        if (!levers_give || soft == flags.end()) return;
        const Bytes wanted = std::max({minimum, used(), Bytes(static_cast<std::uint64_t>(soft->second.value))});
        committed = std::min(committed, round_up(wanted, region));
        in_memory = std::min(in_memory, saturating_sub(committed, balloon()));
    }
    static std::uintptr_t id(const Chunk& chunk) { return reinterpret_cast<std::uintptr_t>(chunk.soft_reference); }
    std::map<std::uintptr_t, bool> chunks_;  ///< id -> cleared
    std::uintptr_t next_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t cleared_ = 0;  ///< of chunks_
    TimePoint unused_since_{};   ///< what is not in use now
    Bytes used_after_;
};

}  // namespace aerostat::agent
