#pragma once

#include <string_view>

#include "contract/codec.h"

namespace aerostat::guest {

/// What an agent may say, and when: `hello` first and once, then reports, results, pressure and errors. Pure.
class AgentDialogue {
public:
    /// One line. Fails: `bad_value` (malformed: to be counted and dropped), `unsupported` (a type or version we do not know)
    /// and `refused` (not now, or not from an agent), both to be answered with an error.
    [[nodiscard]] Result<Envelope> read(std::string_view line) const;
    void welcomed() { welcomed_ = true; }
    [[nodiscard]] bool is_welcomed() const { return welcomed_; }

private:
    bool welcomed_ = false;
};

}  // namespace aerostat::guest
