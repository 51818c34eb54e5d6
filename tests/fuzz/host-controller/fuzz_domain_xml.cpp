// A domain's XML: any bytes give facts that hold together, or a sentence saying why not.
#include <string_view>

#include "host-controller/virt/domain_xml.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace aerostat;
    const auto facts = host::virt::parse_domain_xml(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!facts) {
        FUZZ_CHECK(!facts.error().message.empty());
        return 0;
    }
    FUZZ_CHECK(!facts->maximum.is_zero());
    FUZZ_CHECK(facts->channel.has_value() == facts->why_no_channel.empty());
    FUZZ_CHECK(!facts->channel || facts->channel->starts_with('/'));
    FUZZ_CHECK(facts->stats_period >= std::chrono::seconds(0) && facts->stats_period <= std::chrono::hours(24));
    return 0;
}
