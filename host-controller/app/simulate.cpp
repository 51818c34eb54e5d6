#include "host-controller/app/simulate.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <nlohmann/json.hpp>

namespace aerostat::host::app {
namespace {

using Json = nlohmann::ordered_json;

Json layers_of(const sim::Outcome& outcome) {
    const auto one = [](const sim::LayerTotal& total) {
        return Json{{"mean_resident_bytes", total.mean.count()}, {"stall_s", total.stall_seconds}};
    };
    return Json{{"heaps", one(outcome.heaps)}, {"page_caches", one(outcome.caches)}};
}

Json json_of(const sim::Comparison& comparison, const sim::Outcome& outcome) {
    Json json;
    json["policy"] = outcome.policy;
    json["mean_resident_bytes"] = outcome.mean_resident.count();
    json["peak_resident_bytes"] = outcome.peak_resident.count();
    json["in_reserve_s"] = outcome.in_reserve_seconds;
    json["memory_saved"] = comparison.saved(outcome);
    json["stall_s"] = outcome.stall_seconds;
    json["layers"] = layers_of(outcome);
    json["worst_guest"] = outcome.worst_guest;
    json["worst_guest_stall_s"] = outcome.worst_seconds;
    json["moves"] = outcome.moves;
    json["moved_bytes"] = outcome.moved.count();
    Json violations = Json::object();
    for (std::size_t i = 0; i < sim::kInvariants; ++i) {
        const sim::Violation& one = outcome.violations[i];
        Json entry{{"times", one.times}};
        if (one.times > 0) entry["first"] = one.first;
        violations[sim::to_string(static_cast<sim::Invariant>(i))] = std::move(entry);
    }
    json["violations"] = std::move(violations);
    return json;
}

}  // namespace

sim::Comparison simulate(const ScenarioFile& file) {
    const sim::Scenario& scenario = file.scenario;
    sim::Comparison comparison;
    comparison.scenario = scenario.name;
    comparison.length = scenario.length;
    for (const sim::GuestGroup& group : scenario.groups) comparison.guests += group.count;
    comparison.memory = scenario.rules.memory;
    comparison.capacity = scenario.rules.capacity();
    comparison.outcomes.resize(file.policies.size());
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (std::size_t i = next++; i <= file.policies.size(); i = next++) {
            if (i < file.policies.size())
                comparison.outcomes[i] = sim::run(scenario, *file.policies[i]);
            else
                comparison.unrestrained = sim::run_unrestrained(scenario);
        }
    };
    std::vector<std::thread> threads;
    const std::size_t wanted = std::min<std::size_t>(std::thread::hardware_concurrency(), file.policies.size() + 1);
    for (std::size_t i = 1; i < wanted; ++i) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
    return comparison;
}

std::string as_json(const sim::Comparison& comparison) {
    Json json;
    json["scenario"] = comparison.scenario;
    json["length_s"] = to_seconds(comparison.length);
    json["guests"] = comparison.guests;
    json["memory_bytes"] = comparison.memory.count();
    json["capacity_bytes"] = comparison.capacity.count();
    Json& policies = json["policies"] = Json::array();
    for (const sim::Outcome& outcome : comparison.outcomes) policies.push_back(json_of(comparison, outcome));
    json["unrestrained"] = {{"mean_resident_bytes", comparison.unrestrained.mean_resident.count()},
                            {"peak_resident_bytes", comparison.unrestrained.peak_resident.count()},
                            {"stall_s", comparison.unrestrained.stall_seconds},
                            {"layers", layers_of(comparison.unrestrained)}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace aerostat::host::app
