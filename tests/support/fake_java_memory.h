#pragma once

#include <cstddef>

#include "contract/units.h"
#include "procfs/maps.h"

namespace aerostat::testing {

/// Memory for a fake Java heap, mapped for real, so that the kernel tells what has become of its pages. Full of kNeighbour
/// at first: pages that were given back read as zero, and whatever else was written to shows.
class FakeJavaMemory {
public:
    static constexpr unsigned char kNeighbour = 0x5a;  ///< objects of the program
    enum class Kind {
        anonymous,  ///< as most collectors have it
        shared,     ///< a memfd, as ZGC has it
    };

    FakeJavaMemory(Kind kind, Bytes size);
    ~FakeJavaMemory();
    FakeJavaMemory(const FakeJavaMemory&) = delete;
    FakeJavaMemory& operator=(const FakeJavaMemory&) = delete;

    [[nodiscard]] procfs::AddressRange range() const { return range_; }
    [[nodiscard]] std::uintptr_t at(Bytes offset) const { return range_.begin + offset.count(); }
    void fill(procfs::AddressRange part, unsigned char value);
    /// Every byte of `part` is `value`. Reading brings pages back: residency is to be asked first.
    [[nodiscard]] static bool is_all(procfs::AddressRange part, unsigned char value);
    /// Of `part`, widened to whole pages, in memory.
    [[nodiscard]] static Bytes resident(procfs::AddressRange part);
    /// What the file holds; of the shared kind only.
    [[nodiscard]] Bytes file_blocks() const;
    [[nodiscard]] static Bytes page();

private:
    int fd_ = -1;
    procfs::AddressRange range_;
};

}  // namespace aerostat::testing
