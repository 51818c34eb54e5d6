#pragma once

#include <deque>
#include <optional>
#include <string_view>

#include "contract/messages.h"

namespace aerostat::agent {

/// The last results, so that an order that comes again gets the same answer instead of being carried out twice.
/// Thread: agent thread.
class OperationBook {
public:
    static constexpr std::size_t kKept = 64;

    void add(OperationResult result);
    [[nodiscard]] std::optional<OperationResult> find(std::string_view op) const;

private:
    std::deque<OperationResult> results_;
};

}  // namespace aerostat::agent
