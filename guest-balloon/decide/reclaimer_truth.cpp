#include "guest-balloon/decide/reclaimer_truth.h"

#include <algorithm>

namespace aerostat::guest {

void ReclaimerTruth::knows(pid_t process, double credit) {
    Process added;
    added.credit = credit;
    processes_.try_emplace(process, added);
}

void ReclaimerTruth::looked(pid_t process, std::optional<Bytes> holds, TimePoint now) {
    const auto found = processes_.find(process);
    if (found == processes_.end()) return;
    Process& seen = found->second;
    seen.holds = holds;
    if (!seen.trial) return;
    if (!holds) return seen.trial.reset();
    seen.trial->least = std::min(seen.trial->least, *holds);
    if (now < seen.trial->over) return;
    const Trial trial = *seen.trial;
    seen.trial.reset();
    const Bytes given = saturating_sub(trial.before, trial.least);
    const double share = std::min(1.0, given.as_double() / std::max(1.0, trial.asked.as_double()));
    seen.credit = seen.tried ? (seen.credit + share) / 2 : share;
    seen.tried = true;
}

void ReclaimerTruth::asked(pid_t process, Bytes bytes, TimePoint over) {
    const auto found = processes_.find(process);
    if (found == processes_.end() || !found->second.holds) return;
    Process& seen = found->second;
    if (!seen.trial) seen.trial = Trial{{}, *seen.holds, *seen.holds, over};
    seen.trial->asked += bytes;
    seen.trial->over = std::max(seen.trial->over, over);
}

void ReclaimerTruth::answered(pid_t process, TimePoint now) {
    const auto found = processes_.find(process);
    if (found != processes_.end() && found->second.trial) found->second.trial->over = now + kShowsWithin;
}

void ReclaimerTruth::keep_only(const std::set<pid_t>& processes) {
    std::erase_if(processes_, [&](const auto& known) { return !processes.contains(known.first); });
}

double ReclaimerTruth::credit(pid_t process) const {
    const auto found = processes_.find(process);
    return found == processes_.end() ? 0 : found->second.credit;
}

bool ReclaimerTruth::is_tried(pid_t process) const {
    const auto found = processes_.find(process);
    return found != processes_.end() && found->second.tried;
}

Bytes ReclaimerTruth::holds(pid_t process) const {
    const auto found = processes_.find(process);
    return found == processes_.end() ? Bytes() : found->second.holds.value_or(Bytes());
}

}  // namespace aerostat::guest
