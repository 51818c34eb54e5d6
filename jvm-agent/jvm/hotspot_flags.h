#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jvm-agent/decide/lever_plan.h"
#include "jvm-agent/jvm/hotspot_tables.h"

namespace aerostat::agent {

/// Reads the JVM's flags from its own table, without Java classes, and stores one of them.
/// Thread: any; a value may be changed by others at any time.
class HotspotFlags {
public:
    /// Fails: `unsupported` if the table is not as expected.
    [[nodiscard]] static Result<HotspotFlags> open(const HotspotTables& tables);

    /// Boolean, integer and size flags; absent for any other and for a flag that this JVM does not have.
    [[nodiscard]] std::optional<FlagState> read(std::string_view name) const;
    /// A text flag; empty for any other, for one that is not set, and for one that this JVM does not have.
    [[nodiscard]] std::string text(std::string_view name) const;
    [[nodiscard]] bool is_on(std::string_view name) const;
    [[nodiscard]] Bytes bytes(std::string_view name) const;

    /// Stores a value where the JVM itself looks whenever it needs it, in one piece: whoever reads meanwhile sees the old
    /// value or the new one. Only GCTimeRatio, 1 to 99, under G1: no setting is offered for it, and nothing is derived from
    /// it at the start (g1HeapSizingPolicy.cpp). Fails: `refused` for any other flag or value; `unsupported` if the flag is
    /// not of the kind or not at a place as expected.
    [[nodiscard]] Status store(const FlagSetting& setting) const;
    /// The flag is one for store().
    [[nodiscard]] static bool can_store(std::string_view name);

private:
    [[nodiscard]] std::uintptr_t find(std::string_view name) const;

    std::uintptr_t flags_ = 0;
    std::size_t count_ = 0, stride_ = 0;
    std::size_t name_ = 0, address_ = 0, type_ = 0, origin_ = 0;
};

}  // namespace aerostat::agent
