#pragma once

#include <string>
#include <vector>

#include "host-controller/decide/share_out.h"

// Ways to share memory out other than by price: what other systems do, for comparison and for those who want it.
namespace aerostat::host {

/// One ratio for all: (target - min) / (max - min) is the same for every guest, as in Citrix' Dynamic Memory Control
/// (squeezed). Knows neither costs nor weights. A guest's layers follow the guest's ratio between floor and ceiling.
[[nodiscard]] const SharePolicy& proportional();

/// Moves what guest operating systems hold and leaves Java heaps alone, as oVirt's MOM does: the rest as proportional().
[[nodiscard]] const SharePolicy& guest_only();

/// Each guest has a fixed share by weight, within its min and max: what partitioning a host by hand comes to. Depends on the
/// limits alone, except where a floor asks for more.
[[nodiscard]] const SharePolicy& static_shares();

/// "price", "proportional", "guest-only" or "static"; nullptr for another name.
[[nodiscard]] const SharePolicy* policy_named(std::string_view name);
[[nodiscard]] std::vector<std::string> policy_names();

}  // namespace aerostat::host
