#include "jvm-agent/decide/cost_history.h"

#include <algorithm>
#include <cmath>

namespace aerostat::agent {
namespace {

constexpr double kMemorySeconds = 60;
/// Of the heap.
constexpr double kLeastRoom = 0.05;
constexpr double kSizesADoubling = 4;
/// What has faded to less is forgotten: at most some twenty sizes are remembered at once.
constexpr double kLeastSeconds = 0.001;

void fade(CostSpell& spell, double keep) {
    spell.seconds *= keep;
    spell.heap *= keep;
    spell.whole *= keep;
    spell.above *= keep;
    spell.cycles *= keep;
    spell.allocated *= keep;
}

void add_to(CostSpell& sum, const CostSpell& more) {
    sum.seconds += more.seconds;
    sum.heap += more.heap;
    sum.whole += more.whole;
    sum.above += more.above;
    sum.cycles += more.cycles;
    sum.allocated += more.allocated;
}

}  // namespace

double room_above(double heap, Bytes live) { return std::max({heap - live.as_double(), heap * kLeastRoom, 1.0}); }

void CostHistory::add(const CostSpell& spell) {
    if (!(spell.seconds > 0)) return;
    const double keep = std::exp(-spell.seconds / kMemorySeconds);
    for (auto& [size, old] : spells_) fade(old, keep);
    fade(sum_, keep);
    const double heap = std::max(1.0, spell.heap / spell.seconds);
    add_to(spells_[static_cast<int>(std::log2(heap) * kSizesADoubling)], spell);
    add_to(sum_, spell);
    std::erase_if(spells_, [](const auto& entry) { return entry.second.seconds < kLeastSeconds; });
}

double CostHistory::exposure() const {
    double sum = 0;
    for (const auto& [size, spell] : spells_) sum += spell.seconds / std::max(1.0, spell.heap / spell.seconds);
    return sum;
}

double CostHistory::exposure_above(Bytes live) const {
    double sum = 0;
    for (const auto& [size, spell] : spells_) sum += spell.seconds / room_above(spell.heap / spell.seconds, live);
    return sum;
}

}  // namespace aerostat::agent
