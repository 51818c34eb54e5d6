#pragma once

#include <optional>
#include <string_view>

#include "contract/error.h"
#include "contract/messages.h"

namespace aerostat {

/// The answer to a `set_heap_target` that did not decode for `fault`, if the line still says for which session and operation
/// it was: whoever ordered must not wait in vain. Nothing was touched: `unsupported`, the detail names the fault.
/// Absent for any other line. Total over any input, like decode_message().
[[nodiscard]] std::optional<OperationResult> answer_to_faulty_order(std::string_view line, const Error& fault);

}  // namespace aerostat
