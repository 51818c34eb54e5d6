#include "guest-balloon/decide/silence_release.h"

#include <algorithm>

#include "guest-balloon/decide/request_rules.h"

namespace aerostat::guest {

std::vector<JvmTask> raise_one_step(const JvmBook& jvms, Bytes available, Bytes reserve) {
    using namespace literals;
    Bytes room = saturating_sub(available, reserve);
    std::vector<JvmTask> tasks;
    for (const Jvm* jvm : jvms.connected()) {
        const Restraint& restraint = jvm->restraint;
        if (!restraint.target || !jvm->report || (restraint.ceiling && !restraint.rebuilt)) continue;
        const Bytes missing = saturating_sub(jvm->heap_ceiling(), restraint.target->footprint);
        const Bytes step = std::min({std::max(jvm->heap_ceiling() / 10, 64_MiB), missing, room});
        if (step.is_zero()) continue;
        room = saturating_sub(room, step);
        JvmTask task = lifting_task(*jvm);
        task.asked = step;
        task.target.footprint = restraint.target->footprint + step;
        if (task.target.footprint < jvm->heap_ceiling()) task.afterwards.target = task.target;
        tasks.push_back(std::move(task));
    }
    return tasks;
}

}  // namespace aerostat::guest
