// A kept decision: any line gives a record that can be shown, decided again and written back, or an error.
#include <string_view>

#include "host-controller/app/history_views.h"
#include "host-controller/decide/policies.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace aerostat;
    using namespace aerostat::host;
    const auto record = app::decode_record(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!record) {
        FUZZ_CHECK(!record.error().message.empty());
        return 0;
    }
    FUZZ_CHECK(!app::history_line(*record).empty());
    FUZZ_CHECK(!app::explain_record(*record).empty());
    for (const std::string& name : policy_names()) {
        app::Replay replay(policy_named(name));
        replay.add(*record);
        FUZZ_CHECK(!replay.render().empty());
    }
    const auto line = app::encode_record(*record);
    if (!line) return 0;
    const auto again = app::decode_record(*line);
    FUZZ_CHECK(again && *app::encode_record(*again) == *line);
    return 0;
}
