// Configuration files: any text gives values within bounds or a list of problems.
#include <string_view>

#include "daemon/strict_toml.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace aerostat;
    auto root = daemon::StrictTable::parse(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.toml");
    if (!root) {
        FUZZ_CHECK(!root.error().message.empty());
        return 0;
    }
    for (const std::string& name : root->table_names()) {
        daemon::StrictTable inner = root->table(name);
        static_cast<void>(inner.bytes("memory"));
        if (const auto wait = inner.duration("wait")) FUZZ_CHECK(wait->count() >= 0);
        if (const auto weight = inner.number("weight", 0, 100)) FUZZ_CHECK(*weight >= 0 && *weight <= 100);
        static_cast<void>(inner.word("mode", {"advise", "act"}));
        static_cast<void>(inner.finish());
    }
    static_cast<void>(root->finish());
    return 0;
}
