#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "jvm-agent/jvm/hotspot_tables.h"

namespace aerostat::agent {

/// One 64-bit performance counter of the JVM, read straight from memory. Borrowed from a JVM that outlives the reader.
class PerfCounter {
public:
    PerfCounter() = default;
    explicit PerfCounter(std::uintptr_t at) : at_(at) {}
    [[nodiscard]] std::optional<std::uint64_t> read() const {
        if (at_ == 0) return std::nullopt;
        return HotspotTables::load<std::uint64_t>(at_);
    }
    [[nodiscard]] std::uintptr_t address() const { return at_; }  ///< 0: absent

private:
    std::uintptr_t at_ = 0;
};

/// A text among the JVM's counters, such as the cause of a collection. It may change while it is read: then it equals
/// nothing.
class PerfText {
public:
    PerfText() = default;
    PerfText(std::uintptr_t at, std::size_t room) : at_(at), room_(room) {}
    [[nodiscard]] bool is_there() const { return at_ != 0; }
    [[nodiscard]] bool equals(std::string_view text) const;

private:
    std::uintptr_t at_ = 0;
    std::size_t room_ = 0;
};

/// The JVM's performance memory: what `jcmd PID PerfCounter.print` shows, in the format of jvmstat.
/// Thread: any, until the VM dies.
class PerfCounters {
public:
    /// Empty with -XX:-UsePerfData: then every counter reads as absent.
    [[nodiscard]] static PerfCounters open(const HotspotTables& tables);
    [[nodiscard]] PerfCounter find(std::string_view name) const;
    [[nodiscard]] PerfText find_text(std::string_view name) const;

private:
    struct Found {
        std::uintptr_t data = 0;  ///< 0: there is none of that name
        char type = 0;
        std::size_t elements = 0;  ///< 0: a scalar
    };
    [[nodiscard]] Found look_for(std::string_view name) const;
    std::uintptr_t begin_ = 0, end_ = 0;
};

}  // namespace aerostat::agent
