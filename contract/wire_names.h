#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "contract/control.h"
#include "contract/messages.h"

// The words that stand for enumerators on the wire and in `--json`. One table each; used in both directions.
namespace aerostat {

template <class Enum>
struct WireNames;

template <class Enum>
using NameTable = std::pair<Enum, std::string_view>;

template <>
struct WireNames<Role> {
    static constexpr std::array<NameTable<Role>, 2> table{{{Role::agent, "agent"}, {Role::guest, "guest"}}};
};
template <>
struct WireNames<Cap> {
    static constexpr std::array<NameTable<Cap>, 3> table{
        {{Cap::elastic, "elastic"}, {Cap::firm, "firm"}, {Cap::hard, "hard"}}};
};
template <>
struct WireNames<OnShortfall> {
    static constexpr std::array<NameTable<OnShortfall>, 2> table{
        {{OnShortfall::keep, "keep"}, {OnShortfall::rollback, "rollback"}}};
};
template <>
struct WireNames<RestIs> {
    static constexpr std::array<NameTable<RestIs>, 2> table{{{RestIs::kept, "kept"}, {RestIs::rolled_back, "rolled-back"}}};
};
template <>
struct WireNames<EndReason> {
    static constexpr std::array<NameTable<EndReason>, 12> table{{
        {EndReason::met, "met"},
        {EndReason::deadline, "deadline"},
        {EndReason::floor, "floor"},
        {EndReason::gc_distress, "gc-distress"},
        {EndReason::guest_pressure, "guest-pressure"},
        {EndReason::not_reclaimable, "not-reclaimable"},
        {EndReason::unsupported, "unsupported"},
        {EndReason::stuck, "stuck"},
        {EndReason::cancelled, "cancelled"},
        {EndReason::superseded, "superseded"},
        {EndReason::disconnected, "disconnected"},
        {EndReason::paused, "paused"},
    }};
};
template <>
struct WireNames<Command> {
    static constexpr std::array<NameTable<Command>, 12> table{{
        {Command::status, "status"},
        {Command::jvms, "jvms"},
        {Command::ops, "ops"},
        {Command::plan, "plan"},
        {Command::squeeze, "squeeze"},
        {Command::give, "give"},
        {Command::release, "release"},
        {Command::cancel, "cancel"},
        {Command::pause, "pause"},
        {Command::resume, "resume"},
        {Command::reserve, "reserve"},
        {Command::doctor, "doctor"},
    }};
};
template <>
struct WireNames<ErrorCode> {
    static constexpr std::array<NameTable<ErrorCode>, 10> table{{
        {ErrorCode::bad_value, "bad-value"},
        {ErrorCode::not_found, "not-found"},
        {ErrorCode::refused, "refused"},
        {ErrorCode::denied, "denied"},
        {ErrorCode::unsupported, "unsupported"},
        {ErrorCode::busy, "busy"},
        {ErrorCode::timed_out, "timed-out"},
        {ErrorCode::disconnected, "disconnected"},
        {ErrorCode::io, "io"},
        {ErrorCode::internal, "internal"},
    }};
};

template <>
struct WireNames<WatchFor> {
    static constexpr std::array<NameTable<WatchFor>, 3> table{
        {{WatchFor::level, "level"}, {WatchFor::all, "all"}, {WatchFor::none, "none"}}};
};
template <>
struct WireNames<ConditionLevel> {
    static constexpr std::array<NameTable<ConditionLevel>, 4> table{{{ConditionLevel::ample, "ample"},
                                                                     {ConditionLevel::advisory, "advisory"},
                                                                     {ConditionLevel::tight, "tight"},
                                                                     {ConditionLevel::critical, "critical"}}};
};
template <>
struct WireNames<ConditionTrend> {
    static constexpr std::array<NameTable<ConditionTrend>, 3> table{
        {{ConditionTrend::steady, "steady"}, {ConditionTrend::rising, "rising"}, {ConditionTrend::falling, "falling"}}};
};
template <>
struct WireNames<ConditionValidity> {
    static constexpr std::array<NameTable<ConditionValidity>, 4> table{{{ConditionValidity::valid, "valid"},
                                                                        {ConditionValidity::no_daemon, "no-daemon"},
                                                                        {ConditionValidity::stale, "stale"},
                                                                        {ConditionValidity::no_host, "no-host"}}};
};

template <class Enum>
[[nodiscard]] constexpr std::string_view wire_name(Enum value) {
    for (const auto& [enumerator, name] : WireNames<Enum>::table) {
        if (enumerator == value) return name;
    }
    return "unknown";
}

template <class Enum>
[[nodiscard]] constexpr std::optional<Enum> from_wire_name(std::string_view text) {
    for (const auto& [enumerator, name] : WireNames<Enum>::table) {
        if (name == text) return enumerator;
    }
    return std::nullopt;
}

}  // namespace aerostat
