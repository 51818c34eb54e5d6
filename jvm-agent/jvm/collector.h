#pragma once

#include <memory>
#include <string>

#include "contract/messages.h"
#include "jvm-agent/jvm/gc_signals.h"
#include "jvm-agent/jvm/hotspot_flags.h"
#include "jvm-agent/jvm/hotspot_tables.h"
#include "jvm-agent/jvm/ports.h"
#include "jvm-agent/jvm/vm.h"

namespace aerostat::agent {

/// Everything that differs from collector to collector. One file a collector implements it.
/// Thread: agent thread, attached to the VM. Lives until the process ends.
class Collector {
public:
    virtual ~Collector() = default;
    /// The name in JvmFacts: "G1", "Parallel", …
    [[nodiscard]] virtual std::string name() const = 0;
    /// Whether this JVM, as it was started, may carry a balloon; if not, `why_not` for people.
    [[nodiscard]] virtual Status can_balloon() = 0;
    /// Whether a balloon of this JVM may hold chunks; if not, there are only the collector's own levers.
    [[nodiscard]] virtual Status can_hold_chunks() { return can_balloon(); }
    [[nodiscard]] virtual HeapPort& heap() = 0;
    /// Only if can_hold_chunks().
    [[nodiscard]] virtual ChunkPort& chunks() = 0;
    [[nodiscard]] virtual FlagPort& flags() = 0;
    /// How its own settings move it.
    [[nodiscard]] virtual LeverRule lever_rule() const = 0;
    /// For people: with what option orders that end short would obtain more. Empty: with none.
    [[nodiscard]] virtual std::string would_help() const { return {}; }
};

/// What a collector's file is given to look at the JVM.
struct VmSight {
    JNIEnv* env = nullptr;
    int major_version = 0;
    HotspotTables tables;
    HotspotFlags flags;
    GcSignals* signals = nullptr;
    int full_gcs_allowed = 0;  ///< by the operator, within ten minutes
    Bytes refill_reserve{};    ///< memory the operator has set aside for chunks that a full collection brings back
    G1Hold g1_hold = G1Hold::calm;
};

/// One for each collector. They fail: `unsupported` if the JVM's structures are not as expected.
[[nodiscard]] Result<std::unique_ptr<Collector>> make_g1(const VmSight& vm);
[[nodiscard]] Result<std::unique_ptr<Collector>> make_z(const VmSight& vm);
[[nodiscard]] Result<std::unique_ptr<Collector>> make_shenandoah(const VmSight& vm);
[[nodiscard]] Result<std::unique_ptr<Collector>> make_parallel(const VmSight& vm);
[[nodiscard]] Result<std::unique_ptr<Collector>> make_serial(const VmSight& vm);
/// A collector without a balloon: heap figures as far as plain Java tells them.
[[nodiscard]] std::unique_ptr<Collector> make_unsupported(const VmSight& vm, std::string name, std::string why_not);
/// The right one for this JVM.
[[nodiscard]] std::unique_ptr<Collector> collector_of(const VmSight& vm);

}  // namespace aerostat::agent
