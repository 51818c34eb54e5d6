#include "contract/error.h"

#include <system_error>

#include "contract/wire_names.h"

namespace aerostat {

std::string_view to_string(ErrorCode code) { return wire_name(code); }

Error error_from_errno(std::string_view action, int error_number) {
    return Error{ErrorCode::io, std::string(action) + ": " + std::generic_category().message(error_number)};
}

}  // namespace aerostat
