#pragma once

#include <optional>
#include <string>

#include "contract/error.h"

namespace aerostat::host::app {

/// What `history`, `explain` and `replay` were asked.
struct HistoryQuery {
    std::string directory = "/run/aerostat/history";
    std::string since;   ///< "10m": only so old ones
    std::string what;    ///< explain: a time ("14:05:09", "2026-11-21T14:05:09", "10m" ago), a guest, or empty: the last
    std::string policy;  ///< replay; empty: the recorded one
    bool json = false;
};

/// The text to print. Fails: `not_found` (no history, no such decision), `bad_value`, `io`.
[[nodiscard]] Result<std::string> show_history(const HistoryQuery& query);
[[nodiscard]] Result<std::string> explain(const HistoryQuery& query);
[[nodiscard]] Result<std::string> replay(const HistoryQuery& query);

}  // namespace aerostat::host::app
