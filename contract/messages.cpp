#include "contract/messages.h"

#include "contract/wire_names.h"

namespace aerostat {

std::string_view to_string(EndReason reason) { return wire_name(reason); }
std::string_view to_string(Cap cap) { return wire_name(cap); }
std::string_view to_string(OnShortfall rule) { return wire_name(rule); }
std::string_view to_string(RestIs rest) { return wire_name(rest); }
std::string_view to_string(Role role) { return wire_name(role); }

}  // namespace aerostat
