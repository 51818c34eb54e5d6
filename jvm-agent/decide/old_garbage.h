#pragma once

#include <cstdint>

#include "jvm-agent/decide/heap_facts.h"

namespace aerostat::agent {

/// What of an occupied heap of G1, Parallel or Serial is dead and not yet found: objects that young collections have moved
/// to the old generation, and that died there. G1 knows what is alive only while it marks, and tells nobody; what mixed
/// collections then give back can be seen. Of the others the same is seen of full collections.
///
/// The rule: since the last marking garbage comes again as it came before it. The same share of what is promoted, and never
/// more than was found. What is occupied beyond that counts as alive, and before a first marking everything does. Where
/// mixed collections came, they ended with G1HeapWastePercent of the heap as garbage that is known and not worth the work.
/// Half of what is occupied counts as alive, whatever follows from that, unless a search has found more.
/// Thread: owner's.
class OldGarbage {
public:
    /// To be told after pauses; of several between two calls only the sum is known. `application`: occupied after the last
    /// one, without the balloon.
    void observe(const HeapFacts& heap, Bytes application);
    [[nodiscard]] Bytes expected() const;
    /// The last full collection found about as much as the one before had led to expect: it was no accident of a start.
    [[nodiscard]] bool is_confirmed() const { return confirmed_; }
    /// That are over. When one ends the least is left to expectation.
    [[nodiscard]] std::uint64_t searches() const { return searches_; }

private:
    void start(const HeapFacts& heap, Bytes application);
    void remember(const HeapFacts& heap, Bytes application);
    void note_pauses(const HeapFacts& heap, bool alone);
    void note_young(const HeapFacts& heap, double grown, double allocated);
    void note_unmixed(double grown, double allocated, bool fell);
    void note_full(const HeapFacts& heap, double grown);
    void learn_rate(double grown, double allocated, double weight);
    [[nodiscard]] double freed_in_pauses(double grown, double allocated) const;
    void begin_search();
    void conclude(double left);
    [[nodiscard]] double promotion_rate() const;
    [[nodiscard]] bool in_cycle() const;  ///< marking is done, cleanup is not

    bool started_ = false;
    std::uint64_t young_gcs_ = 0, cycle_pauses_ = 0, full_gcs_ = 0;
    std::uint64_t even_ = 0;                          ///< so many cycle pauses were not halves of a remark and a cleanup
    double occupied_ = 0, freed_ = 0;                 ///< at the last collection
    double freed_alone_ = 0;                          ///< since then, in pauses of a cycle
    double grown_lately_ = 0, allocated_lately_ = 0;  ///< in young collections that were not mixed; means that fade
    // Bytes. A search lasts from a remark until mixed collections give no more.
    bool searching_ = false;
    bool confirmed_ = false;
    std::uint64_t searches_ = 0;
    bool mixed_ = false;                 ///< collections of this search have reclaimed old regions
    std::uint64_t young_in_search_ = 0;  ///< since the cycle's last pause
    double before_mark_ = 0;             ///< promoted between two markings; zero when the search is over
    double since_mark_ = 0;              ///< promoted since the last marking
    double reclaimed_ = 0;               ///< in this search
    double found_ = 0, share_ = 0;       ///< by the last search: garbage, and that of what had been promoted
    double left_ = 0;                    ///< garbage that the last search knew of and left (HeapFacts::waste)
};

}  // namespace aerostat::agent
