#include "jvm-agent/act/operation_book.h"

#include <algorithm>

namespace aerostat::agent {

void OperationBook::add(OperationResult result) {
    results_.push_back(std::move(result));
    if (results_.size() > kKept) results_.pop_front();
}

std::optional<OperationResult> OperationBook::find(std::string_view op) const {
    const auto it = std::find_if(results_.begin(), results_.end(), [&](const OperationResult& r) { return r.op == op; });
    if (it == results_.end()) return std::nullopt;
    return *it;
}

}  // namespace aerostat::agent
