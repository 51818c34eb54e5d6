#pragma once

#include "contract/units.h"

// Amounts of memory by the part they play. Each is its own type, so that a target can never be passed where a balloon's
// size is meant.
namespace aerostat {

/// What a Java heap may keep resident: bytes of its reserved range that are in memory. An order from above.
struct HeapTarget {
    Bytes footprint;
    auto operator<=>(const HeapTarget&) const = default;
};

/// What a Java heap keeps resident now, as measured from the kernel's books.
struct HeapFootprint {
    Bytes resident;
    auto operator<=>(const HeapFootprint&) const = default;
};

/// What the Java-heap balloon has taken away: bytes of chunk arrays (granted by the collector).
struct HeapBalloonSize {
    Bytes granted;
    auto operator<=>(const HeapBalloonSize&) const = default;
};

/// What is left to a guest: for libvirt the value of setMemory.
struct GuestTarget {
    Bytes left_to_guest;
    auto operator<=>(const GuestTarget&) const = default;
};

/// What a guest OS balloon has taken: the complement of GuestTarget. Never mix the two.
struct GuestBalloonSize {
    Bytes taken_away;
    auto operator<=>(const GuestBalloonSize&) const = default;
};

}  // namespace aerostat
