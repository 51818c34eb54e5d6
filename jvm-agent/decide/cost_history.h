#pragma once

#include <map>

#include "contract/units.h"

namespace aerostat::agent {

/// Time in which the heap had about the same size, and what the collector's work cost in it: seconds of CPU and of standing
/// still.
struct CostSpell {
    double seconds = 0;
    double heap = 0;       ///< bytes x seconds
    double whole = 0;      ///< cost that goes with the heap as a whole
    double above = 0;      ///< cost that goes with the room above the live set
    double cycles = 0;     ///< of the whole heap, begun
    double allocated = 0;  ///< bytes, between cycles
};

/// What collections have cost, told apart by the size the heap had then, and what constant K = cost x room explains it best.
///
/// Averages of cost and of room over a time in which the heap was squeezed would multiply the cost of the small heap with
/// the room of the large one. So cost is divided by exposure: seconds, each divided by the room there was. Of events that
/// come at a rate of K / room this is the estimate of largest likelihood.
/// Thread: owner's.
class CostHistory {
public:
    /// `spell`: of what has just been seen. What is older fades by its seconds.
    void add(const CostSpell& spell);

    /// That can still be remembered.
    [[nodiscard]] double seconds() const { return sum_.seconds; }
    [[nodiscard]] double cost() const { return sum_.whole + sum_.above; }
    [[nodiscard]] double whole() const { return sum_.whole; }
    [[nodiscard]] double above() const { return sum_.above; }
    [[nodiscard]] double cycles() const { return sum_.cycles; }
    /// Bytes between two cycles.
    [[nodiscard]] double allocated_per_cycle() const { return sum_.cycles > 0 ? sum_.allocated / sum_.cycles : 0; }
    [[nodiscard]] double mean_heap() const { return sum_.seconds > 0 ? sum_.heap / sum_.seconds : 0; }
    /// Seconds per byte of heap.
    [[nodiscard]] double exposure() const;
    /// Seconds per byte of room above `live`.
    [[nodiscard]] double exposure_above(Bytes live) const;

private:
    std::map<int, CostSpell> spells_;  ///< by size, in steps of a fifth
    CostSpell sum_;
};

/// What of a heap the program can fill before the next collection; never nothing, or a quotient would mean nothing.
[[nodiscard]] double room_above(double heap, Bytes live);

}  // namespace aerostat::agent
