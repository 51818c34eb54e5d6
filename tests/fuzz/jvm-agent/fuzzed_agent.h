#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/jvm-agent/fake_jvm.h"

namespace aerostat::agent {

/// A regulator with a heap on paper, and what must hold of the two whatever comes. The first thing that does not hold ends
/// the process with a sentence.
class FuzzedAgent final : public HeapPort, public ChunkPort, public FlagPort {
public:
    struct Setting {
        CollectionKind kind = CollectionKind::young_and_marking;
        Bytes max, minimum, region, headroom;
        bool levers_give = true, can_balloon = true, can_hold_chunks = true;
        Cap firmest = Cap::hard;
        double cpu_budget = 0.05;
        int full_gcs = 0;
        Bytes alarm;                      ///< a threshold of the program; zero: it has none
        std::set<std::string> operators;  ///< flags named on the command line
    };
    explicit FuzzedAgent(const Setting& setting);

    FakeJvm jvm;
    GcLoad gc;

    /// As from guestd. An operation of an earlier name comes again.
    void order(SetHeapTarget order);
    void cancel(const std::string& op, OnShortfall rest);
    void lift();
    void set_switch(bool on);
    /// The agent's loop for so long, woken as it asks.
    void run(Duration time);
    /// The machine gave the agent no time for so long.
    void stall(Duration time) { jvm.clock.advance(time); }
    /// The program allocates; the JVM does for it what it must.
    void allocate(Bytes amount, bool stays_alive);
    /// Every order has its answer, and nothing is left once restraint is lifted.
    void wind_up();

    [[nodiscard]] const std::vector<std::string>& ops() const { return ops_; }

private:
    struct Order {
        SetHeapTarget order;
        Bytes resident;                 ///< when it was accepted
        std::size_t chunks = 0;         ///< held then
        bool measured = true;           ///< the heap's pages could be counted all the time
        std::optional<Bytes> obtained;  ///< as answered
        TimePoint accepted{};
    };

    HeapFacts observe() override { return jvm.observe(); }
    Result<procfs::Residency> measure_footprint() override { return jvm.measure_footprint(); }
    Status collect_fully() override;
    Bytes chunk_size() const override { return jvm.chunk_size(); }
    Result<Chunk> inflate() override;
    bool is_cleared(const Chunk& chunk) override { return jvm.is_cleared(chunk); }
    void keep_alive(const Chunk& chunk) override { jvm.keep_alive(chunk); }
    void drop(Chunk chunk) override { jvm.drop(chunk); }
    void forget(Chunk chunk) override;
    Bytes resident(const Chunk& chunk) override { return jvm.resident(chunk); }
    Result<bool> release_again(Chunk& chunk) override;
    std::optional<FlagState> read(std::string_view name) override { return jvm.read(name); }
    Status set(const FlagSetting& setting) override;

    [[nodiscard]] RegulatorPorts ports();
    void advance();
    void take_result(const OperationResult& result);
    void check_obtained(const Order& order, const OperationResult& result) const;
    void check_restored() const;
    [[nodiscard]] bool are_flags_as_before() const;
    void check_always() const;
    [[nodiscard]] Bytes margin() const;

    Setting setting_;
    std::map<std::string, FlagState, std::less<>> flags_before_;
    std::map<std::string, Order> orders_;
    std::vector<std::string> ops_;
    std::string asked_again_;  ///< the one operation that may be answered a second time now
    std::vector<TimePoint> full_collections_;
    Bytes resident_seen_;  ///< when the regulator was last at work, and saw it
    TimePoint next_cycle_{};
    Duration cpu_{};
    bool flag_was_refused_ = false;
    bool is_on_ = true;
    std::optional<Regulator> regulator_;
};

}  // namespace aerostat::agent
