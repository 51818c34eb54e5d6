#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "jvm-agent/app/options.h"

/// Any option text gives options within their documented bounds, or one sentence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto options = aerostat::agent::parse_options({reinterpret_cast<const char*>(data), size});
    if (!options) {
        if (options.error().message.empty()) std::abort();
        return 0;
    }
    const bool within = options->cpu_budget > 0 && options->cpu_budget <= 1 && options->runtime_dir.size() <= 96 &&
                        options->runtime_dir.front() == '/' && options->name.size() <= 64;
    if (!within) std::abort();
    return 0;
}
