#pragma once

#include "contract/cost_curve.h"
#include "guest-balloon/decide/refault_book.h"

namespace aerostat::guest {

/// What the guest OS is assumed to lose before anything was learned: how soon a page of the cache is needed again after it
/// was taken. The kernel's own lists say which were used more than once.
struct CachePrior {
    Duration inactive_again = std::chrono::minutes(30);
    Duration active_again = std::chrono::seconds(30);
};

/// Taking a GiB of anonymous memory, which would have to be swapped: CPU seconds a second. Nothing pays that.
inline constexpr double kSwapPricePerGib = 1000;

/// The OS layer's holdings, and their cost curve over bytes outside the Java heaps.
struct OsPicture {
    Bytes size;     ///< held or free outside the heaps
    Bytes floor;    ///< below it only by swapping
    Bytes offered;  ///< of what lies above it, what applications offer to give
    Bytes spare;    ///< free above the reserve: costs nothing
    CostCurve curve;
    CostCurve own;     ///< the same as if applications offered nothing
    CostCurve offers;  ///< and what they offer, as far as they may hold it outside the heaps
};

/// Free memory above the reserve costs nothing; then page cache, by what was learned, else by the prior, first the part the
/// kernel would take first; then anonymous memory as far as there is swap, at a price that nobody pays. What applications
/// offer comes in by its price, after idle page cache.
///
/// The curve runs above everything that was seen (a working set that falls off a cliff makes all below it dear), and never
/// promises a byte below the reserve. While pages refault and nothing is spare, more memory is worth something, too: as much
/// as would bring the cache back to the largest it was, saves all of it.
struct OsSurroundings {
    Bytes heaps;         ///< of the guest's memory, held by Java heaps
    Bytes reserve;       ///< of available memory, never taken
    Bytes taken;         ///< by the OS layer's balloon: may come back, the curve reaches so far
    CostCurve offers{};  ///< what applications offer to give (decide/offers.h)
};
[[nodiscard]] OsPicture os_picture_of(const OsSight& seen, const RefaultBook& book, const OsSurroundings& around,
                                      const CachePrior& prior = {});

/// The least memory, not above `now`, at which the curve costs no more than `budget` above what it costs with `now`.
[[nodiscard]] Bytes least_within(const CostCurve& curve, Bytes now, double budget);

}  // namespace aerostat::guest
