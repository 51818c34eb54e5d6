#include "jvm-agent/jvm/hotspot_flags.h"

#include <atomic>
#include <cstring>

#include "procfs/maps.h"

namespace aerostat::agent {
namespace {

// The order of JVMFlag's types, the same in JDK 17 to 25 (jvmFlag.hpp).
enum FlagType : int { kBool = 0, kInt = 1, kUint = 2, kIntx = 3, kUintx = 4, kUint64 = 5, kSize = 6, kText = 8 };

// JVMFlagOrigin, in the low bits of _flags.
constexpr int kOriginMask = 15;
constexpr int kCommandLine = 1;
constexpr int kEnvironment = 2;
constexpr int kConfigFile = 3;
constexpr int kImageResource = 8;
constexpr int kWasSetOnCommandLine = 1 << 17;
constexpr std::size_t kMostFlags = 10'000;
constexpr std::size_t kLongestText = 256;

// The one flag that is stored without the JVM's help, and what may be stored.
constexpr std::string_view kStored = kTimeRatioFlag;
constexpr std::int64_t kLeastStored = 1;
constexpr std::int64_t kMostStored = 99;

std::optional<std::int64_t> value_of(int type, std::uintptr_t at) {
    switch (type) {
        case kBool:
            return HotspotTables::load<std::uint8_t>(at) != 0 ? 1 : 0;  // any byte may be there
        case kInt:
            return HotspotTables::load<std::int32_t>(at);
        case kUint:
            return HotspotTables::load<std::uint32_t>(at);
        case kIntx:
        case kUintx:
        case kUint64:
        case kSize:
            return HotspotTables::load<std::int64_t>(at);
        default:
            return std::nullopt;
    }
}

/// The number at an address, as an atomic of its kind.
template <typename Number>
Status store_number(std::uintptr_t at, std::int64_t value) {
    if (at % sizeof(Number) != 0) return fail(ErrorCode::unsupported, "the flag is not aligned");
    std::atomic_ref<Number>(*reinterpret_cast<Number*>(at)).store(static_cast<Number>(value), std::memory_order_release);
    return {};
}

Status check_place(std::uintptr_t at) {
    const auto maps = procfs::read_own_maps();
    if (!maps) return tl::unexpected(maps.error());
    for (const auto& mapping : *maps) {
        if (!mapping.range.contains(at)) continue;
        if (!mapping.readable || !mapping.writable || mapping.executable || mapping.shared) break;
        return {};
    }
    return fail(ErrorCode::unsupported, "the flag does not lie in the JVM's own data");
}

bool operators(int flags) {
    const int origin = flags & kOriginMask;
    return (flags & kWasSetOnCommandLine) != 0 || origin == kCommandLine || origin == kEnvironment ||
           origin == kConfigFile || origin == kImageResource;
}

}  // namespace

Result<HotspotFlags> HotspotFlags::open(const HotspotTables& tables) {
    const auto first = tables.static_field("JVMFlag", "flags");
    const auto count = tables.static_field("JVMFlag", "numFlags");
    const auto stride = tables.size_of("JVMFlag");
    const auto name = tables.offset("JVMFlag", "_name");
    const auto address = tables.offset("JVMFlag", "_addr");
    const auto type = tables.offset("JVMFlag", "_type");
    const auto origin = tables.offset("JVMFlag", "_flags");
    if (!first || !count || !stride || !name || !address || !type || !origin)
        return fail(ErrorCode::unsupported, "this JVM does not describe its flags");
    HotspotFlags flags;
    flags.flags_ = HotspotTables::load<std::uintptr_t>(*first);
    flags.count_ = HotspotTables::load<std::size_t>(*count);
    flags.stride_ = *stride;
    flags.name_ = *name;
    flags.address_ = *address;
    flags.type_ = *type;
    flags.origin_ = *origin;
    if (flags.flags_ == 0 || flags.count_ > kMostFlags || !flags.read("MaxHeapSize"))
        return fail(ErrorCode::unsupported, "this JVM's flag table is not as expected");
    return flags;
}

/// Where the flag's description lies; 0: there is none of that name.
std::uintptr_t HotspotFlags::find(std::string_view name) const {
    for (std::size_t i = 0; i < count_; ++i) {
        const std::uintptr_t flag = flags_ + i * stride_;
        const char* const text = HotspotTables::load<const char*>(flag + name_);
        if (text != nullptr && name == text) return flag;
    }
    return 0;
}

std::optional<FlagState> HotspotFlags::read(std::string_view name) const {
    const std::uintptr_t flag = find(name);
    if (flag == 0) return std::nullopt;
    const auto value =
        value_of(HotspotTables::load<int>(flag + type_), HotspotTables::load<std::uintptr_t>(flag + address_));
    if (!value) return std::nullopt;
    return FlagState{*value, operators(HotspotTables::load<int>(flag + origin_))};
}

bool HotspotFlags::can_store(std::string_view name) { return name == kStored; }

Status HotspotFlags::store(const FlagSetting& setting) const {
    if (!can_store(setting.name) || setting.value < kLeastStored || setting.value > kMostStored)
        return fail(ErrorCode::refused, setting.name + "=" + std::to_string(setting.value) + " is not stored by the agent");
    const auto present = read(setting.name);
    if (!present || present->value < kLeastStored || present->value > kMostStored)
        return fail(ErrorCode::unsupported, "this JVM's " + setting.name + " is not as expected");
    const std::uintptr_t flag = find(setting.name);
    const auto at = HotspotTables::load<std::uintptr_t>(flag + address_);
    if (auto sound = check_place(at); !sound) return sound;
    switch (HotspotTables::load<int>(flag + type_)) {
        case kUint:
            return store_number<std::uint32_t>(at, setting.value);
        case kUintx:
            return store_number<std::uint64_t>(at, setting.value);
        default:
            return fail(ErrorCode::unsupported, "this JVM's " + setting.name + " is not a number of the expected kind");
    }
}

std::string HotspotFlags::text(std::string_view name) const {
    const std::uintptr_t flag = find(name);
    if (flag == 0 || HotspotTables::load<int>(flag + type_) != kText) return {};
    const auto* const value = HotspotTables::load<const char*>(HotspotTables::load<std::uintptr_t>(flag + address_));
    return value == nullptr ? std::string() : std::string(value, strnlen(value, kLongestText));
}

bool HotspotFlags::is_on(std::string_view name) const {
    const auto flag = read(name);
    return flag && flag->value != 0;
}

Bytes HotspotFlags::bytes(std::string_view name) const {
    const auto flag = read(name);
    return flag && flag->value > 0 ? Bytes(static_cast<std::uint64_t>(flag->value)) : Bytes();
}

}  // namespace aerostat::agent
