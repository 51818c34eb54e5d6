#include <algorithm>

#include <spdlog/spdlog.h>

#include "host-controller/app/host_daemon.h"

// What the daemon writes down of its decisions.
namespace aerostat::host::app {
namespace {

constexpr Duration kAtLeastEvery = std::chrono::minutes(1);
constexpr Duration kTryAgainAfter = std::chrono::seconds(5);  // what failed

bool same_order(const LayerPlan& a, const LayerPlan& b) {
    return a.guest == b.guest && a.layer == b.layer && a.next == b.next;
}

std::vector<LayerPlan> ordered(const HostPlan& plan) {
    std::vector<LayerPlan> rows;
    std::copy_if(plan.layers.begin(), plan.layers.end(), std::back_inserter(rows),
                 [](const LayerPlan& row) { return row.ordered; });
    return rows;
}

}  // namespace

// Whoever may ask the daemon may read what it has decided.
void HostDaemon::open_history(const std::optional<gid_t>& read_group, const std::optional<gid_t>& operate_group) {
    std::vector<gid_t> readers;
    for (const auto& group : {read_group, operate_group}) {
        if (group && (readers.empty() || readers.front() != *group)) readers.push_back(*group);
    }
    const std::string directory = config_.history_directory();
    history_ = std::make_unique<HistoryWriter>(directory, config_.history_size, readers);
    if (const auto pointed = point_to_history(config_.runtime_dir + "/history", directory); !pointed)
        spdlog::warn("aerostatctl has to be told --dir {}: {}", directory, pointed.error().message);
}

// Each second's decision is mostly to do nothing: those with new orders count, a change of the level, and one a minute.
bool HostDaemon::worth_remembering(TimePoint now) const {
    const Duration at_most = bad_history_.empty() ? kAtLeastEvery : kTryAgainAfter;
    if (!remembered_at_ || now - *remembered_at_ >= at_most || plan_.level != remembered_level_) return true;
    const auto rows = ordered(plan_);
    return !rows.empty() && !std::equal(rows.begin(), rows.end(), remembered_.begin(), remembered_.end(), same_order);
}

void HostDaemon::remember(const HostSnapshot& seen, const HostState& before, TimePoint now) {
    if (!history_ || !worth_remembering(now)) return;
    DecisionRecord record{moment().wall, now, config_.act, seen, before, rules_now(), plan_};
    const auto line = encode_record(record);
    const Status written = line ? history_->append(*line) : Status(tl::unexpected(line.error()));
    if (!written && bad_history_.empty()) spdlog::warn("decisions are not kept: {}", written.error().message);
    bad_history_ = written ? std::string() : written.error().message;
    remembered_ = ordered(plan_);
    remembered_level_ = plan_.level;
    remembered_at_ = now;
}

}  // namespace aerostat::host::app
