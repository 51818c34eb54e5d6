#pragma once

#include <string>
#include <string_view>

#include "host-controller/decide/model.h"

// What domains are called here.
namespace aerostat::host::virt {

/// "domain:UUID".
[[nodiscard]] GuestId guest_id_of(const std::string& uuid);
/// Whether this can be one: the form only.
[[nodiscard]] bool is_domain_guest_id(std::string_view guest);

/// A domain's name as a name of ours: libvirt allows more letters and more of them.
[[nodiscard]] std::string guest_name_of(std::string_view domain_name);

}  // namespace aerostat::host::virt
