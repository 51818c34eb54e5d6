#pragma once

#include "contract/error.h"
#include "contract/units.h"
#include "jvm-agent/jvm/hotspot_tables.h"
#include "procfs/maps.h"

namespace aerostat::agent {

/// Where the Java heap lies, by the JVM's own description: one range for every collector but ZGC, which has none.
/// Fails: `unsupported` when it is not described, not there yet, or smaller than `least`.
/// Thread: any, once the VM is initialized.
[[nodiscard]] Result<procfs::AddressRange> find_heap_reservation(const HotspotTables& tables, Bytes least);

}  // namespace aerostat::agent
