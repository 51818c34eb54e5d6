#include "jvm-agent/jvm/collector.h"

#include <utility>

namespace aerostat::agent {
namespace {

using Maker = Result<std::unique_ptr<Collector>> (*)(const VmSight&);

struct Known {
    const char* flag;
    const char* name;
    Maker make;
};

/// A collector that is new here needs its own file and a line in this table.
constexpr Known kCollectors[] = {
    {"UseG1GC", "G1", &make_g1},
    {"UseZGC", "Z", &make_z},
    {"UseShenandoahGC", "Shenandoah", &make_shenandoah},
    {"UseParallelGC", "Parallel", &make_parallel},
    {"UseSerialGC", "Serial", &make_serial},
    {"UseEpsilonGC", "Epsilon", nullptr},
};

}  // namespace

std::unique_ptr<Collector> collector_of(const VmSight& vm) {
    for (const Known& known : kCollectors) {
        if (!vm.flags.is_on(known.flag)) continue;
        if (known.make == nullptr)
            return make_unsupported(vm, known.name, std::string("not supported yet: collector ") + known.name);
        auto made = known.make(vm);
        return made ? std::move(*made) : make_unsupported(vm, known.name, made.error().message);
    }
    return make_unsupported(vm, "unknown", "not supported: this collector is not known");
}

}  // namespace aerostat::agent
