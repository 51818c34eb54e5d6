#pragma once

#include <optional>

#include "contract/messages.h"
#include "host-controller/backend/backend.h"
#include "host-controller/decide/model.h"

namespace aerostat::host::sense {

/// What the host itself knows of a guest's OS layer.
struct OsOutside {
    Bytes holds;                          ///< measured, without the heaps
    std::optional<Bytes> cache;           ///< a container's page cache that no process has mapped, by the kernel's books
    std::optional<OsBalloon> os_balloon;  ///< a virtual machine's, if we may move it
    bool was_bound = false;               ///< the balloon held the OS down when this was asked last
};

/// The guest OS layer as far as it may be believed; absent where nobody could move it: neither a container whose books the
/// host reads itself, nor a virtual machine with a balloon.
///
/// Its size is the measured one. What lies above its floor is what the report says could be taken without swapping, in a
/// container at most the page cache that the kernel counts and what applications offer of the rest. The curve is the guest's
/// word, cut and shifted to these: who says that all is dear is bounded by weight and max, who says that all is cheap gives
/// first. A balloon counts as target as soon as what it leaves is nearly all in use, and until twice that room is left.
/// `heaps`: believable_layers().
[[nodiscard]] std::optional<LayerSeen> believable_os_layer(const GuestReport& report, const OsOutside& outside,
                                                           const std::vector<LayerSeen>& heaps, Bytes budget);

}  // namespace aerostat::host::sense
