#include "host-controller/app/scenario_file.h"

#include <algorithm>
#include <array>

#include "contract/names.h"
#include "host-controller/app/config_tables.h"
#include "host-controller/decide/policies.h"

namespace aerostat::host::app {
namespace {

using sim::GuestGroup;
using sim::LoadShape;
using sim::Nature;

constexpr std::uint32_t kMostGuests = 10'000;
constexpr std::int64_t kMostTicks = 10'000'000;
constexpr std::size_t kLongestName = 48;  // guests are NAME-1 to NAME-10000
constexpr Bytes kLeastLayer{1ULL << 20};
constexpr Bytes kMostLayer{64ULL << 40};
constexpr Duration kLeastTick = std::chrono::milliseconds(100);
constexpr Duration kLeastPeriod = std::chrono::seconds(1);

template <class Enum>
using Words = std::array<std::pair<const char*, Enum>, std::size_t{7}>;
constexpr Words<Nature> kNatures{{{"ideal", Nature::ideal},
                                  {"slow", Nature::slow},
                                  {"stuck", Nature::stuck},
                                  {"firm", Nature::firm},
                                  {"lying", Nature::lying},
                                  {"dying", Nature::dying},
                                  {"migrating", Nature::migrating}}};
constexpr std::array<std::pair<const char*, LoadShape>, 3> kShapes{
    {{"constant", LoadShape::constant}, {"day-night", LoadShape::day_night}, {"bursts", LoadShape::bursts}}};

template <class List, class Enum>
void take_word(StrictTable& table, std::string_view key, const List& list, Enum& into) {
    std::vector<std::string> words;
    for (const auto& [word, value] : list) words.emplace_back(word);
    const auto found = table.word(key, words);
    for (const auto& [word, value] : list) {
        if (found == word) into = value;
    }
}

void take_size(StrictTable& table, std::string_view key, Bytes& into) {
    const auto value = table.bytes(key);
    if (value && (*value < kLeastLayer || *value > kMostLayer))
        table.add_problem(key, std::string(key) + " must be between 1MiB and 64TiB");
    take(value, into);
}

void take_time(StrictTable& table, std::string_view key, Duration least, std::optional<Duration>& into) {
    const auto value = table.duration(key);
    if (value && *value < least) table.add_problem(key, std::string(key) + " must be at least " + format_duration(least));
    if (value) into = value;
}

void take_time(StrictTable& table, std::string_view key, Duration least, Duration& into) {
    std::optional<Duration> value;
    take_time(table, key, least, value);
    take(value, into);
}

void read_load(StrictTable& table, sim::LoadModel& load) {
    take_word(table, "shape", kShapes, load.shape);
    take(table.number("level", 0, 1), load.level);
    take(table.number("idle", 0, 1), load.idle);
    take_time(table, "period", kLeastPeriod, load.period);
    take(table.number("spread", 0, 1), load.spread);
    take(table.number("share", 0, 1), load.share);
}

void read_heap(StrictTable& table, sim::HeapModel& heap) {
    take_size(table, "live", heap.live);
    heap.live_idle = heap.live / 2;
    take_size(table, "live_idle", heap.live_idle);
    take_size(table, "loads", heap.loads);
    take_size(table, "max", heap.max);
    take_size(table, "allocates", heap.allocates);
    take_size(table, "collects", heap.collects);
    if (heap.live_idle > heap.live) table.add_problem("live_idle", "live_idle is above live");
    if (heap.live > heap.max) table.add_problem("live", "live is above max: such a program cannot run");
}

void read_cache(StrictTable& table, sim::CacheModel& cache) {
    take_size(table, "working_set", cache.working_set);
    take_size(table, "reads", cache.reads);
    take(table.number("seconds_a_gib", 0, 1000), cache.seconds_a_gib);
}

template <class Model>
void read_model(StrictTable& guest, const std::vector<std::string>& there, const char* key, std::optional<Model>& model,
                void (*read)(StrictTable&, Model&)) {
    if (std::find(there.begin(), there.end(), key) == there.end()) return;
    StrictTable table = guest.table(key);
    read(table, model.emplace());
    close(table);
}

GuestGroup read_group(StrictTable& table, const std::string& name) {
    GuestGroup group;
    group.name = name;
    if (!is_valid_name(name) || name.size() > kLongestName)
        table.add_problem("", "[guest." + printable(name, 60) + "]: a name has 1 to 48 of A-Za-z0-9._-");
    group.count = static_cast<std::uint32_t>(table.number("count", 1, kMostGuests).value_or(1));
    take_word(table, "nature", kNatures, group.nature);
    take_time(table, "from", Duration(), group.from);
    take_time(table, "lasts", kLeastPeriod, group.lasts);
    take_time(table, "every", kLeastPeriod, group.every);
    take_size(table, "fixed", group.fixed);
    const auto there = table.table_names();
    StrictTable load = table.table("load");
    read_load(load, group.load);
    close(load);
    read_model(table, there, "heap", group.heap, read_heap);
    read_model(table, there, "cache", group.cache, read_cache);
    return group;
}

void read_guests(StrictTable& root, const GuestLimits& defaults, sim::Scenario& scenario) {
    StrictTable guests = root.table("guest");
    std::uint64_t count = 0;
    for (const std::string& name : guests.table_names()) {
        StrictTable table = guests.table(name);
        scenario.rules.guests.push_back({name + "-*", read_limits(table, defaults)});
        scenario.groups.push_back(read_group(table, name));
        count += scenario.groups.back().count;
        close(table);
    }
    if (count == 0) root.add_problem("guest", "no [guest.NAME] section: there is nobody to simulate");
    if (count > kMostGuests) root.add_problem("guest", "more than 10,000 guests");
    close(guests);
}

void read_run(StrictTable& table, ScenarioFile& file) {
    sim::Scenario& scenario = file.scenario;
    scenario.name = printable(table.text("name").value_or("scenario"), 80);
    take_time(table, "length", kLeastTick, scenario.length);
    take_time(table, "tick", kLeastTick, scenario.tick);
    if (scenario.length / scenario.tick > kMostTicks)
        table.add_problem("tick", "more than 10,000,000 ticks: a shorter length or a longer tick is needed");
    scenario.seed = static_cast<std::uint64_t>(table.number("seed", 0, 1e15).value_or(1));
    take(table.number("noise", 0, 0.9), scenario.noise);
    auto policies = parse_policies(table.text("policies").value_or("price,proportional,guest-only,static"));
    if (!policies) return table.add_problem("policies", policies.error().message);
    file.policies = *std::move(policies);
}

Result<ScenarioFile> read_tables(Result<StrictTable> opened) {
    if (!opened) return tl::unexpected(opened.error());
    StrictTable& root = *opened;
    ScenarioFile file;
    StrictTable run = root.table("scenario");
    read_run(run, file);
    close(run);
    StrictTable host = root.table("host");
    read_budget(host, file.scenario.rules);
    close(host);
    StrictTable policy = root.table("policy");
    read_pacing(policy, file.scenario.rules.pacing);
    close(policy);
    StrictTable defaults_table = root.table("defaults");
    const GuestLimits defaults = read_limits(defaults_table, GuestLimits());
    close(defaults_table);
    read_guests(root, defaults, file.scenario);
    if (auto all = root.finish(); !all) return tl::unexpected(all.error());
    return file;
}

}  // namespace

Result<ScenarioFile> read_scenario(const std::string& path) { return read_tables(StrictTable::read_file(path)); }

Result<ScenarioFile> parse_scenario(std::string_view text, const std::string& name_for_errors) {
    return read_tables(StrictTable::parse(text, name_for_errors));
}

Result<std::vector<const SharePolicy*>> parse_policies(std::string_view words) {
    std::vector<const SharePolicy*> policies;
    while (!words.empty()) {
        const std::string_view word = words.substr(0, words.find(','));
        words.remove_prefix(std::min(words.size(), word.size() + 1));
        const SharePolicy* policy = policy_named(word);
        if (!policy) {
            std::string known;
            for (const std::string& name : policy_names()) known += (known.empty() ? "" : ", ") + name;
            return fail(ErrorCode::bad_value, "no policy \"" + printable(word, 40) + "\"; there are " + known);
        }
        if (std::find(policies.begin(), policies.end(), policy) == policies.end()) policies.push_back(policy);
    }
    if (policies.empty()) return fail(ErrorCode::bad_value, "which policies? for example \"price,static\"");
    return policies;
}

}  // namespace aerostat::host::app
