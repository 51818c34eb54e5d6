#include "guest-balloon/decide/reclaimer_truth.h"

#include <algorithm>
#include <cmath>

namespace aerostat::guest {
namespace {

using namespace literals;

// Of less nobody can say what came of it: a program's memory moves by as much by itself.
Bytes least_telling(Bytes held) { return std::max(4_MiB, held / 100); }

}  // namespace

// Half of what is known fades with as many bytes as were ever held: a few small kept promises do not hide a large lie.
ReclaimerTruth::Record::Record() = default;

void ReclaimerTruth::Record::add(const Trial& trial, Bytes came, TimePoint now) {
    most = std::max({most, trial.before.as_double(), 1.0});
    const double fades = std::exp2(-trial.asked.as_double() / most);
    asked = asked * fades + trial.asked.as_double();
    given = given * fades + came.as_double();
    at = now;
}

void ReclaimerTruth::knows(pid_t process, uid_t user, double credit) {
    Process added;
    added.user = user;
    added.first_credit = credit;
    processes_.try_emplace(process, added);
}

std::optional<double> ReclaimerTruth::looked(pid_t process, std::optional<Bytes> holds, TimePoint now) {
    const auto found = processes_.find(process);
    if (found == processes_.end()) return std::nullopt;
    Process& seen = found->second;
    seen.holds = holds;
    if (!seen.quiet_since) seen.quiet_since = now;
    seen.is_due = now - *seen.quiet_since >= kProbeAfter;
    if (!seen.trial) return std::nullopt;
    // One that ends holds nothing that could be seen, some time before its connection goes.
    if (holds) seen.trial->least = std::min(seen.trial->least, *holds);
    return now < seen.trial->over ? std::nullopt : conclude(seen, now);
}

std::optional<double> ReclaimerTruth::conclude(Process& process, TimePoint now) {
    const Trial trial = *process.trial;
    process.trial.reset();
    if (trial.asked < least_telling(trial.before)) return std::nullopt;
    const Bytes came = std::min(trial.asked, saturating_sub(trial.before, trial.least));
    if (!process.record) process.record.emplace();
    process.record->add(trial, came, now);
    process.quiet_since = now;
    process.is_due = false;
    remember(process.user, trial, came, now);
    return came.as_double() / trial.asked.as_double();
}

void ReclaimerTruth::remember(uid_t user, const Trial& trial, Bytes came, TimePoint now) {
    if (users_.size() >= kUsers && !users_.contains(user))
        users_.erase(std::min_element(users_.begin(), users_.end(),
                                      [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
    users_[user].add(trial, came, now);
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

void ReclaimerTruth::keep_only(const std::set<pid_t>& processes, const Holds& holds, TimePoint now) {
    for (auto& [id, process] : processes_) {
        if (processes.contains(id) || !process.trial) continue;
        process.trial->least = std::min(process.trial->least, holds(id).value_or(process.trial->before));
        static_cast<void>(conclude(process, now));
    }
    std::erase_if(processes_, [&](const auto& known) { return !processes.contains(known.first); });
    std::erase_if(users_, [now](const auto& user) { return now - user.second.at >= kUsersKept; });
}

double ReclaimerTruth::credit(pid_t process) const {
    const auto found = processes_.find(process);
    if (found == processes_.end()) return 0;
    const Process& known = found->second;
    const double least = known.is_due ? kProbe : 0;
    if (known.record) return std::max(least, known.record->share());
    const auto user = users_.find(known.user);
    return std::max(least, std::min(known.first_credit, user == users_.end() ? kUntried : user->second.share()));
}

bool ReclaimerTruth::is_tried(pid_t process) const {
    const auto found = processes_.find(process);
    return found != processes_.end() && found->second.record;
}

Bytes ReclaimerTruth::holds(pid_t process) const {
    const auto found = processes_.find(process);
    return found == processes_.end() ? Bytes() : found->second.holds.value_or(Bytes());
}

}  // namespace aerostat::guest
