#include "host-controller/virt/domain.h"

#include <gtest/gtest.h>

#include "contract/names.h"

namespace aerostat::host::virt {
namespace {

using namespace aerostat::literals;

Domain a_domain(const std::string& name) {
    DomainFacts facts;
    facts.maximum = 1_GiB;
    facts.virtio_balloon = true;
    facts.autodeflate = true;
    facts.why_no_channel = "it has no virtio channel org.aerostat.guest.0";
    return {"2b4ad1f4-39a5-4b9d-8f0f-24a8a4f6d7a1", name, 3, facts, nullptr, false, {}};
}

TEST(GuestIds, AreRecognisedByTheirForm) {
    EXPECT_TRUE(is_domain_guest_id(guest_id_of("2b4ad1f4-39a5-4b9d-8f0f-24a8a4f6d7a1")));
    for (const char* other :
         {"", "domain:", "session:1:2", "cgroup:/a", "domain:2b4ad1f4-39a5-4b9d-8f0f-24a8a4f6d7a", "domain:web-1",
          "domain:2b4ad1f4-39a5-4b9d-8f0f-24a8a4f6d7a11", "domain:2b4ad1f4x39a5-4b9d-8f0f-24a8a4f6d7a1",
          "domain:2B4AD1F4-39a5-4b9d-8f0f-24a8a4f6d7a1", "2b4ad1f4-39a5-4b9d-8f0f-24a8a4f6d7a1"})
        EXPECT_FALSE(is_domain_guest_id(other)) << other;
}

TEST(GuestNames, AreDomainNamesInOurLetters) {
    EXPECT_EQ(guest_name_of("web-1.prod_a"), "web-1.prod_a");
    EXPECT_EQ(guest_name_of("Win 2019 (test)"), "Win_2019__test_");
    EXPECT_EQ(guest_name_of("a~1"), "a_1") << "~ is what we append ourselves";
    EXPECT_EQ(guest_name_of(""), "_");
    for (const std::string& name : {std::string(200, 'x'), std::string("\xc3\xa4\n\0z", 5)})
        EXPECT_TRUE(is_valid_name(guest_name_of(name))) << name;
}

TEST(Balloons, WithoutAutodeflateMayNotBeMoved) {
    Domain domain = a_domain("web");
    EXPECT_FALSE(why_no_balloon(domain));
    domain.facts->autodeflate = false;
    domain.facts->free_page_reporting = true;
    EXPECT_EQ(why_left_alone(domain), "") << "what its heaps give comes back by itself";
    ASSERT_TRUE(why_no_balloon(domain));
    EXPECT_EQ(why_no_balloon(domain)->code, ErrorCode::unsupported);
    EXPECT_NE(why_no_balloon(domain)->message.find("<memballoon model='virtio' autodeflate='on'/>"), std::string::npos);
    domain.facts->autodeflate = true;
    domain.facts->virtio_balloon = false;
    EXPECT_TRUE(why_no_balloon(domain));
    domain.facts = fail(ErrorCode::bad_value, "not the XML of a domain");
    EXPECT_EQ(why_no_balloon(domain)->code, ErrorCode::unsupported);
}

TEST(LeftAlone, IsADomainOfWhichNothingWouldComeBackToTheHost) {
    const Domain good = a_domain("web");
    EXPECT_EQ(why_left_alone(good), "");
    const auto after = [&](auto change) {
        Domain domain = a_domain("web");
        change(*domain.facts);
        EXPECT_EQ(why_no_balloon(domain).has_value(), !why_left_alone(domain).empty());
        return why_left_alone(domain);
    };
    EXPECT_NE(after([](DomainFacts& facts) { facts.virtio_balloon = false; }).find("no virtio balloon"), std::string::npos);
    EXPECT_NE(after([](DomainFacts& facts) { facts.autodeflate = false; }).find("free page reporting"), std::string::npos);
    EXPECT_NE(after([](DomainFacts& facts) { facts.huge_pages = true; }).find("huge pages"), std::string::npos);
    EXPECT_NE(after([](DomainFacts& facts) { facts.locked_by = "a passed-through device"; }).find("passed-through"),
              std::string::npos);
}

TEST(LeftAlone, IsADomainWhoseApplicationBalloonCouldTakeNothing) {
    Domain domain = a_domain("web");
    domain.needs_no_driver = true;
    domain.facts->virtio_balloon = domain.facts->autodeflate = domain.facts->free_page_reporting = false;
    domain.facts->memory_backing = "memfd";
    EXPECT_EQ(why_left_alone(domain), "");
    for (const char* backing : {"", "file", "anonymous"}) {
        domain.facts->memory_backing = backing;
        EXPECT_NE(why_left_alone(domain).find("memfd"), std::string::npos) << backing;
    }
    domain.facts->virtio_balloon = domain.facts->autodeflate = true;
    EXPECT_NE(why_left_alone(domain), "") << "virtio-balloon does not take in its place";
    domain.facts->free_page_reporting = true;
    EXPECT_EQ(why_left_alone(domain), "") << "what heaps give is reported free by the guest itself";
}

TEST(LeftAlone, IsADomainThatIsSuspendedOrCopiedOrHasCrashed) {
    Domain domain = a_domain("web");
    domain.state = RunState::suspended;
    EXPECT_EQ(why_left_alone(domain), "it is suspended");
    EXPECT_FALSE(why_no_balloon(domain)) << "it may be settled all the same";
    domain.moving = true;
    EXPECT_NE(why_left_alone(domain).find("copied"), std::string::npos);
    domain.state = RunState::crashed;
    EXPECT_NE(why_left_alone(domain).find("crashed"), std::string::npos);
}

TEST(Warnings, NameAFewOfManyInOneSentence) {
    std::vector<Domain> domains;
    for (int i = 0; i < 7; ++i) domains.push_back(a_domain("web-" + std::to_string(i)));
    domains[0].measure_trouble = "processes 1 and 2 both claim to be its QEMU";
    std::vector<const Domain*> all;
    for (const Domain& domain : domains) all.push_back(&domain);
    const auto sentences = warnings_about(all);
    ASSERT_EQ(sentences.size(), 2U);
    EXPECT_TRUE(sentences[0].starts_with("domain web-0: it cannot be measured: processes 1")) << sentences[0];
    EXPECT_TRUE(sentences[1].starts_with("domains web-0, web-1, web-2, web-3, web-4 and 2 more: it has no virtio channel"))
        << sentences[1];
    EXPECT_TRUE(warnings_about({}).empty());
}

}  // namespace
}  // namespace aerostat::host::virt
