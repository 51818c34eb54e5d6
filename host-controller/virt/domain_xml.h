#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/error.h"
#include "contract/units.h"

namespace aerostat::host::virt {

/// The channel a guest's aerostat-guestd speaks through.
inline constexpr std::string_view kChannelName = "org.aerostat.guest.0";

/// What a domain's live XML says that matters to us.
struct DomainFacts {
    Bytes maximum;                         ///< the guest's RAM, all of it
    std::vector<Bytes> numa_cells;         ///< the same by guest NUMA node, if it is so divided
    bool virtio_balloon = false;           ///< a balloon device that can be moved
    bool autodeflate = false;              ///< the guest takes pages back before it kills for want of memory
    bool free_page_reporting = false;      ///< pages the guest frees go back to the host by themselves
    std::chrono::seconds stats_period{0};  ///< how often the balloon's driver reports; 0: never
    std::string memory_backing;            ///< "memfd", "file", "anonymous"; empty: the hypervisor's default
    bool huge_pages = false;               ///< backed by hugetlb pages: no balloon gives those back
    std::string uuid;                      ///< as it stands there; empty: not said
    std::string locked_by;                 ///< why QEMU holds all its memory ("a passed-through device"); empty: it does not
    Bytes at_start{};                      ///< what it is to have when it starts; the maximum, if nothing else is said
    std::optional<std::string> channel;    ///< the unix socket of the channel; absent: why_no_channel
    std::string why_no_channel;            ///< for people
};

/// Reads libvirt's XML of a running domain. Total over any input: bounded, never throws, recurses nowhere.
/// Fails: `bad_value` (not a domain's XML, longer than 1 MiB, no usable <memory>).
[[nodiscard]] Result<DomainFacts> parse_domain_xml(std::string_view xml);

}  // namespace aerostat::host::virt
