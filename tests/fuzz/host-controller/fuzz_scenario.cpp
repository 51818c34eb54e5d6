// A simulator's scenario: any text gives one that can be run, or a list of problems. The first ticks of it are run.
#include <string_view>

#include "host-controller/app/scenario_file.h"
#include "host-controller/sim/run.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace aerostat;
    using namespace aerostat::host;
    auto file = app::parse_scenario(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.toml");
    if (!file) {
        FUZZ_CHECK(!file.error().message.empty());
        return 0;
    }
    sim::Scenario& scenario = file->scenario;
    FUZZ_CHECK(!scenario.groups.empty() && !file->policies.empty() && scenario.tick > Duration());
    for (sim::GuestGroup& group : scenario.groups) group.count = std::min(group.count, 3U);
    scenario.length = std::min(scenario.length, scenario.tick * 20);
    for (const SharePolicy* policy : file->policies) {
        const sim::Outcome outcome = sim::run(scenario, *policy);
        FUZZ_CHECK(outcome.stall_seconds >= 0);
        FUZZ_CHECK(outcome.samples.size() <= 1000);
    }
    return 0;
}
