#pragma once

#include <memory>

#include "jvm-agent/jvm/collector.h"
#include "jvm-agent/jvm/program_port.h"

namespace aerostat::agent {

/// The program's side in Java: the MXBeans org.aerostat:type=HeapBalloon and GuestMemory, and JFR events org.aerostat.*. No
/// class is defined before the first offer, or before the first event while a recording runs.
///
/// Java never calls into the agent: figures are written into arrays that the bean reads, its switch is a field that is read.
[[nodiscard]] std::unique_ptr<ProgramPort> make_java_side(const VmSight& vm);

}  // namespace aerostat::agent
