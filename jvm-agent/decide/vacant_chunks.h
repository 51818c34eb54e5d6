#pragma once

#include <cstdint>

#include "jvm-agent/decide/heap_facts.h"

namespace aerostat::agent {

/// Chunks given back that no collection has found free yet: to the collector used heap, but without pages.
/// Pure. Thread: owner's.
class VacantChunks {
public:
    /// To be told each time the heap was looked at.
    void observe(const HeapFacts& heap);
    void gave_back(Bytes chunks, const HeapFacts& heap);
    /// By way of caution rather too few, so that the program is never thought to hold too little.
    [[nodiscard]] Bytes bytes() const { return bytes_; }

private:
    Bytes bytes_;
    Bytes used_;               ///< when last looked at
    std::uint64_t until_ = 0;  ///< collections that have to be over before all of them are free
};

}  // namespace aerostat::agent
