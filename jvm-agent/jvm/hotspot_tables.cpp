#include "jvm-agent/jvm/hotspot_tables.h"

#include <dlfcn.h>

#include <initializer_list>
#include <utility>

namespace aerostat::agent {
namespace {

/// libjvm.so is in the process already; opening it again only finds it.
void* libjvm() {
    if (dlsym(RTLD_DEFAULT, "gHotSpotVMStructs") != nullptr) return RTLD_DEFAULT;
    return dlopen("libjvm.so", RTLD_LAZY | RTLD_NOLOAD);
}

const char* text_at(std::uintptr_t entry, std::uint64_t offset) { return HotspotTables::load<const char*>(entry + offset); }

}  // namespace

void* libjvm_symbol(const char* name) { return dlsym(libjvm(), name); }

Result<HotspotTables> HotspotTables::open() {
    HotspotTables tables;
    void* const library = libjvm();
    const std::initializer_list<std::pair<const char*, std::uint64_t*>> wanted = {
        {"gHotSpotVMStructs", &tables.structs_},
        {"gHotSpotVMStructEntryArrayStride", &tables.stride_},
        {"gHotSpotVMStructEntryTypeNameOffset", &tables.type_name_},
        {"gHotSpotVMStructEntryFieldNameOffset", &tables.field_name_},
        {"gHotSpotVMStructEntryIsStaticOffset", &tables.is_static_},
        {"gHotSpotVMStructEntryOffsetOffset", &tables.offset_},
        {"gHotSpotVMStructEntryAddressOffset", &tables.address_},
        {"gHotSpotVMTypes", &tables.types_},
        {"gHotSpotVMTypeEntryArrayStride", &tables.type_stride_},
        {"gHotSpotVMTypeEntryTypeNameOffset", &tables.type_type_name_},
        {"gHotSpotVMTypeEntrySizeOffset", &tables.type_size_},
    };
    for (const auto& [name, value] : wanted) {
        void* const symbol = dlsym(library, name);
        if (symbol == nullptr) return fail(ErrorCode::unsupported, std::string("this JVM does not export ") + name);
        *value = load<std::uint64_t>(reinterpret_cast<std::uintptr_t>(symbol));
    }
    if (tables.structs_ == 0 || tables.types_ == 0 || tables.stride_ == 0 || tables.type_stride_ == 0)
        return fail(ErrorCode::unsupported, "this JVM's structure tables are empty");
    return tables;
}

std::optional<HotspotTables::Entry> HotspotTables::find(std::string_view type, std::string_view field) const {
    for (std::uintptr_t entry = structs_; text_at(entry, type_name_) != nullptr; entry += stride_) {
        if (type != text_at(entry, type_name_) || field != text_at(entry, field_name_)) continue;
        return Entry{load<std::int32_t>(entry + is_static_) != 0, load<std::uint64_t>(entry + offset_),
                     load<std::uintptr_t>(entry + address_)};
    }
    return std::nullopt;
}

std::optional<std::uintptr_t> HotspotTables::static_field(std::string_view type, std::string_view field) const {
    const auto entry = find(type, field);
    if (!entry || !entry->is_static || entry->address == 0) return std::nullopt;
    return entry->address;
}

std::optional<std::size_t> HotspotTables::offset(std::string_view type, std::string_view field) const {
    const auto entry = find(type, field);
    if (!entry || entry->is_static) return std::nullopt;
    return entry->offset;
}

std::optional<std::size_t> HotspotTables::size_of(std::string_view type) const {
    for (std::uintptr_t entry = types_; text_at(entry, type_type_name_) != nullptr; entry += type_stride_) {
        if (type == text_at(entry, type_type_name_)) return load<std::uint64_t>(entry + type_size_);
    }
    return std::nullopt;
}

}  // namespace aerostat::agent
