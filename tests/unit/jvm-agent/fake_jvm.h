#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "jvm-agent/act/regulator.h"

namespace aerostat::agent {

/// A G1 heap on paper, behind the ports of the real one. Bytes move only by the calls of a test and of the regulator.
class FakeJvm final : public HeapPort, public ChunkPort, public FlagPort {
public:
    Bytes max{Bytes(4ULL << 30)};
    Bytes minimum{Bytes(8 << 20)};
    Bytes region{Bytes(2 << 20)};
    Bytes committed{Bytes(3ULL << 30)};
    Bytes in_memory{Bytes(3ULL << 30)};  ///< of the heap, chunks not counted
    Bytes live{Bytes(128 << 20)};
    Bytes garbage;
    std::uint64_t young_gcs = 0, cycle_pauses = 0, full_gcs = 0, pauses = 0;
    std::map<std::string, FlagState, std::less<>> flags{{"MinHeapFreeRatio", {40, false}},
                                                        {"MaxHeapFreeRatio", {70, false}},
                                                        {"G1PeriodicGCInterval", {0, false}},
                                                        {"G1PeriodicGCInvokesConcurrent", {1, false}}};
    std::vector<FlagSetting> flag_calls;
    std::string refuse_flag;  ///< set() fails for this one
    bool refuse_chunks = false;
    bool footprint_fails = false;
    Bytes peak_used;           ///< told once
    Bytes back_in_each_chunk;  ///< pages that came back
    CollectionKind kind = CollectionKind::young_and_marking;
    ManualClock clock;
    Duration chunk_takes{};  ///< time that passes with each chunk
    int strong_handles = 0;  ///< calls of release_again()

    [[nodiscard]] Bytes balloon() const {
        const auto held = std::count_if(chunks_.begin(), chunks_.end(), [](const auto& chunk) { return !chunk.second; });
        return region * (static_cast<std::uint64_t>(held) + dropped_);
    }
    [[nodiscard]] Bytes used() const { return live + garbage + balloon(); }

    /// A young collection: what was dropped comes free.
    void young_gc() {
        dropped_ = 0;
        ++young_gcs;
        ++pauses;
        used_after_ = used();
    }
    /// A concurrent cycle with the young collection after it: garbage goes, and the heap shrinks to the free ratio.
    void cycle() {
        cycle_pauses += 2;
        pauses += 2;
        garbage = Bytes();
        young_gc();
        const double free_share = static_cast<double>(flag("MaxHeapFreeRatio")) / 100;
        const Bytes wanted = std::max(minimum, round_up(share_of(used(), 1 / (1 - free_share)), region));
        committed = std::min(committed, wanted);
        in_memory = std::min(in_memory, saturating_sub(committed, balloon()));
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
    }
    /// Cycles that the interval flag would cause, `times` of them.
    void let_cycles_run(int times) {
        for (int i = 0; i < times && flag("G1PeriodicGCInterval") > 0; ++i) cycle();
    }

    HeapFacts observe() override {
        committed = std::max(committed, round_up(used(), region));
        return {max,
                minimum,
                region,
                committed,
                used(),
                used_after_,
                Bytes(),
                pauses,
                young_gcs,
                cycle_pauses,
                full_gcs,
                0,
                kind,
                {},
                true,
                {},
                std::exchange(peak_used, Bytes())};
    }
    Result<procfs::Residency> measure_footprint() override {
        if (footprint_fails) return fail(ErrorCode::io, "no smaps");
        in_memory = std::max(in_memory, live + garbage);
        procfs::Residency seen;
        seen.rss = in_memory;
        return seen;
    }
    /// As Serial does: half of what is too much goes with each.
    Status collect_fully() override {
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
        chunks_[next_] = false;
        const Bytes idle = saturating_sub(in_memory, live + garbage);
        in_memory = saturating_sub(in_memory, std::min(idle, region));
        return Chunk{reinterpret_cast<void*>(next_), {next_ * region.count(), (next_ + 1) * region.count()}};
    }
    bool is_cleared(const Chunk& chunk) override { return chunks_.at(id(chunk)); }
    void keep_alive(const Chunk&) override { ++kept_alive; }
    void drop(Chunk chunk) override {
        chunks_.erase(id(chunk));
        ++dropped_;
    }
    void forget(Chunk chunk) override { chunks_.erase(id(chunk)); }
    Bytes resident(const Chunk&) override { return back_in_each_chunk; }
    Result<bool> release_again(Chunk& chunk) override {
        ++strong_handles;
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
        flags.at(setting.name).value = setting.value;
        if (flag("MinHeapFreeRatio") > flag("MaxHeapFreeRatio")) return fail(ErrorCode::refused, "Min > Max");
        return {};
    }
    std::size_t chunk_count() const { return chunks_.size(); }
    int kept_alive = 0;

private:
    static std::uintptr_t id(const Chunk& chunk) { return reinterpret_cast<std::uintptr_t>(chunk.soft_reference); }
    std::map<std::uintptr_t, bool> chunks_;  ///< id -> cleared
    std::uintptr_t next_ = 0;
    std::uint64_t dropped_ = 0;
    Bytes used_after_;
};

}  // namespace aerostat::agent
