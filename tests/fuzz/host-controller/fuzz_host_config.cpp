// hostd's configuration: any text gives rules that hold together, or a list of problems.
#include <string_view>

#include "host-controller/app/config.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace aerostat;
    const auto config = host::app::parse_config(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.toml");
    if (!config) {
        FUZZ_CHECK(!config.error().message.empty());
        return 0;
    }
    FUZZ_CHECK(config->rules.emergency_reserve < config->rules.memory);
    for (const host::GuestRule& rule : config->rules.guests) {
        FUZZ_CHECK(rule.limits.weight > 0);
        if (rule.limits.min && rule.limits.max) FUZZ_CHECK(*rule.limits.min <= *rule.limits.max);
        static_cast<void>(config->rules.limits_for("web-1"));
    }
    static_cast<void>(host::app::config_warnings(*config, Bytes(1ULL << 30)));
    return 0;
}
