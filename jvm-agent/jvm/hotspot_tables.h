#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "contract/error.h"

namespace aerostat::agent {

/// What libjvm.so exports under this name; null: nothing. Thread: any.
[[nodiscard]] void* libjvm_symbol(const char* name);

/// HotSpot's own description of its structures (gHotSpotVMStructs), exported by libjvm.so for the serviceability agent
/// and kept in step with the code by its build. Reads addresses and offsets only.
/// Thread: any, after open().
class HotspotTables {
public:
    /// Fails: `unsupported` if the JVM does not export the tables.
    [[nodiscard]] static Result<HotspotTables> open();

    [[nodiscard]] std::optional<std::uintptr_t> static_field(std::string_view type, std::string_view field) const;
    [[nodiscard]] std::optional<std::size_t> offset(std::string_view type, std::string_view field) const;
    [[nodiscard]] std::optional<std::size_t> size_of(std::string_view type) const;

    template <class T>
    [[nodiscard]] static T load(std::uintptr_t address) {
        return *reinterpret_cast<const volatile T*>(address);  // the JVM writes it without our knowledge
    }

private:
    struct Entry {
        bool is_static = false;
        std::uint64_t offset = 0;
        std::uintptr_t address = 0;
    };
    [[nodiscard]] std::optional<Entry> find(std::string_view type, std::string_view field) const;

    std::uintptr_t structs_ = 0, types_ = 0;
    std::uint64_t stride_ = 0, type_name_ = 0, field_name_ = 0, is_static_ = 0, offset_ = 0, address_ = 0;
    std::uint64_t type_stride_ = 0, type_type_name_ = 0, type_size_ = 0;
};

}  // namespace aerostat::agent
