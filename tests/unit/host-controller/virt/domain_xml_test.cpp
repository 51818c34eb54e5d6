#include "host-controller/virt/domain_xml.h"

#include <gtest/gtest.h>

namespace aerostat::host::virt {
namespace {

using namespace aerostat::literals;

// As libvirt 9 shows a running domain.
const std::string kLive = R"(<domain type='qemu' id='3'>
  <name>web-1</name>
  <uuid>2b4ad1f4-39a5-4b9d-8f0f-24a8a4f6d7a1</uuid>
  <memory unit='KiB'>1048576</memory>
  <currentMemory unit='KiB'>524288</currentMemory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <vcpu placement='static'>1</vcpu>
  <devices>
    <channel type='unix'>
      <source mode='bind' path='/run/guests/web-1.test.sock'/>
      <target type='virtio' name='org.qemu.guest_agent.0' state='disconnected'/>
    </channel>
    <channel type='unix'>
      <source mode='bind' path='/run/guests/web-1.guest.sock'/>
      <target type='virtio' name='org.aerostat.guest.0' state='connected'/>
      <alias name='channel0'/>
    </channel>
    <memballoon model='virtio' autodeflate='on' freePageReporting='on'><stats period='1'/></memballoon>
  </devices>
</domain>
)";

std::string with(std::string text, const std::string& what, const std::string& instead) {
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), instead);
}

std::string domain(const std::string& memory, const std::string& devices = "") {
    return "<domain>" + memory + "<devices>" + devices + "</devices></domain>";
}

const std::string kMemory = "<memory>1024</memory>";

TEST(DomainXml, ReadsARunningDomain) {
    const auto facts = parse_domain_xml(kLive);
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->maximum, 1_GiB);
    EXPECT_TRUE(facts->virtio_balloon);
    EXPECT_TRUE(facts->autodeflate);
    EXPECT_TRUE(facts->free_page_reporting);
    EXPECT_EQ(facts->stats_period, std::chrono::seconds(1));
    EXPECT_EQ(facts->memory_backing, "memfd");
    EXPECT_FALSE(facts->huge_pages);
    EXPECT_EQ(facts->channel, "/run/guests/web-1.guest.sock");
    EXPECT_EQ(facts->why_no_channel, "");
    EXPECT_TRUE(facts->numa_cells.empty());
}

TEST(DomainXml, WhatIsNotThereIsOffOrAbsent) {
    const auto facts = parse_domain_xml(domain(kMemory));
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->maximum, 1_MiB) << "KiB where no unit is named";
    EXPECT_FALSE(facts->virtio_balloon);
    EXPECT_FALSE(facts->autodeflate);
    EXPECT_EQ(facts->stats_period.count(), 0);
    EXPECT_EQ(facts->memory_backing, "");
    EXPECT_FALSE(facts->channel);
    EXPECT_NE(facts->why_no_channel.find("org.aerostat.guest.0"), std::string::npos);
}

TEST(DomainXml, KnowsWhichBalloonsCanBeMoved) {
    for (const char* model : {"virtio", "virtio-transitional", "virtio-non-transitional"})
        EXPECT_TRUE(parse_domain_xml(with(kLive, "model='virtio'", "model='" + std::string(model) + "'"))->virtio_balloon);
    for (const char* model : {"none", "xen", ""})
        EXPECT_FALSE(parse_domain_xml(with(kLive, "model='virtio'", "model='" + std::string(model) + "'"))->virtio_balloon);
    EXPECT_FALSE(parse_domain_xml(with(kLive, "autodeflate='on'", "autodeflate='off'"))->autodeflate);
}

TEST(DomainXml, ReadsTheUnitsOfMemory) {
    const auto maximum = [](const std::string& memory) { return parse_domain_xml(domain(memory))->maximum; };
    EXPECT_EQ(maximum("<memory unit='b'>4096</memory>"), 4_KiB);
    EXPECT_EQ(maximum("<memory unit='k'> 4 </memory>"), 4_KiB);
    EXPECT_EQ(maximum("<memory unit='KB'>4</memory>"), 4000_B);
    EXPECT_EQ(maximum("<memory unit='MiB'>\n512\n</memory>"), 512_MiB);
    EXPECT_EQ(maximum("<memory unit='G'>2</memory>"), 2_GiB);
    EXPECT_EQ(maximum("<memory unit='TiB'>1</memory>"), 1024_GiB);
}

TEST(DomainXml, AnAmountItCannotReadIsNoAmount) {
    for (const char* memory :
         {"", "<memory/>", "<memory>0</memory>", "<memory>-1</memory>", "<memory>1e3</memory>", "<memory>12 34</memory>",
          "<memory unit='EiB'>1</memory>", "<memory unit='kib'>1</memory>", "<memory>99999999999999999999</memory>",
          "<memory unit='TiB'>9223372036854775807</memory>", "<memory><a>1024</a></memory>"}) {
        const auto facts = parse_domain_xml(domain(memory));
        ASSERT_FALSE(facts) << memory;
        EXPECT_EQ(facts.error().code, ErrorCode::bad_value);
    }
}

TEST(DomainXml, AChannelThatCannotBeDialledIsSaidToBeNone) {
    for (const auto& [what, instead] :
         {std::pair("<channel type='unix'>\n      <source mode='bind' path='/run/guests/web-1.guest.sock'/>",
                    "<channel type='spicevmc'>"),
          std::pair("mode='bind' path='/run/guests/web-1.guest.sock'", "mode='connect' path='/run/x.sock'"),
          std::pair("path='/run/guests/web-1.guest.sock'", "path='relative.sock'"),
          std::pair("path='/run/guests/web-1.guest.sock'", "")}) {
        const auto facts = parse_domain_xml(with(kLive, what, instead));
        ASSERT_TRUE(facts) << instead;
        EXPECT_FALSE(facts->channel) << instead;
        EXPECT_NE(facts->why_no_channel.find("mode='bind'"), std::string::npos) << facts->why_no_channel;
    }
    const auto other = parse_domain_xml(with(kLive, "name='org.aerostat.guest.0'", "name='org.aerostat.guest.01'"));
    EXPECT_FALSE(other->channel);
    const auto serial = parse_domain_xml(with(kLive, "type='virtio' name='org.aero", "type='guestfwd' name='org.aero"));
    EXPECT_FALSE(serial->channel);
}

TEST(DomainXml, ReadsNumaCellsAndHugePages) {
    const auto facts = parse_domain_xml(
        "<domain><memory unit='MiB'>3</memory><memoryBacking><hugepages/></memoryBacking><cpu><numa>"
        "<cell id='0' cpus='0' memory='1' unit='MiB'/><cell id='1' cpus='1' memory='2048'/><cell memory='junk'/>"
        "</numa></cpu></domain>");
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->numa_cells, (std::vector<Bytes>{1_MiB, 2_MiB}));
    EXPECT_TRUE(facts->huge_pages);
}

TEST(DomainXml, ReadsWhatLocksItsMemory) {
    EXPECT_EQ(parse_domain_xml(kLive)->locked_by, "");
    for (const char* devices : {"<hostdev mode='subsystem' type='pci'/>", "<hostdev mode='subsystem' type='mdev'/>",
                                "<interface type='hostdev'/>", "<interface type='vdpa'/>"})
        EXPECT_NE(parse_domain_xml(domain(kMemory, devices))->locked_by, "") << devices;
    for (const char* devices : {"<hostdev mode='subsystem' type='usb'/>", "<interface type='network'/>"})
        EXPECT_EQ(parse_domain_xml(domain(kMemory, devices))->locked_by, "") << devices;
    EXPECT_NE(parse_domain_xml(domain(kMemory + "<memoryBacking><locked/></memoryBacking>"))->locked_by, "");
    EXPECT_NE(parse_domain_xml(domain(kMemory + "<launchSecurity type='sev'/>"))->locked_by, "");
}

TEST(DomainXml, ReadsWhatADomainIsToHaveWhenItStarts) {
    EXPECT_EQ(parse_domain_xml(kLive)->at_start, 512_MiB);
    EXPECT_EQ(parse_domain_xml(domain(kMemory))->at_start, 1_MiB);
    EXPECT_EQ(parse_domain_xml(domain(kMemory + "<currentMemory>9999999</currentMemory>"))->at_start, 1_MiB);
}

TEST(DomainXml, OddStatisticsPeriodsAreBounded) {
    const auto period = [](const std::string& value) {
        return parse_domain_xml(with(kLive, "period='1'", "period='" + value + "'"))->stats_period.count();
    };
    EXPECT_EQ(period("10"), 10);
    for (const char* odd : {"", "-1", "x", "1.5", "99999999999999999999", "4294967296"}) EXPECT_EQ(period(odd), 0) << odd;
    EXPECT_EQ(period("2147483647"), 24 * 3600);
}

TEST(DomainXml, AnythingElseIsAnError) {
    std::string deep;
    for (int i = 0; i < 200'000; ++i) deep += "<a>";
    const std::string nul("<domain>\0<memory>1024</memory></domain>", 39);
    for (const std::string& text :
         {std::string(), std::string("\0", 1), std::string("no xml"), std::string("<domain>"), std::string("<network/>"),
          std::string("<domain><memory>1024</memory>"), std::string("<domain><memory>1024</domain>"),
          std::string("<!DOCTYPE a [<!ENTITY b \"c\">"), std::string("<?xml version='1.0'?>"), std::string("<domainx/>"),
          std::string("\xff\xfe<\0d\0o\0m\0", 10), std::string("<domain memory='1024'/>"), deep, "<domain>" + deep,
          std::string(1024 * 1024 + 1, ' ') + kLive}) {
        const auto facts = parse_domain_xml(text);
        ASSERT_FALSE(facts) << text.substr(0, 60);
        EXPECT_EQ(facts.error().code, ErrorCode::bad_value);
        EXPECT_FALSE(facts.error().message.empty());
    }
    static_cast<void>(parse_domain_xml(nul));
}

TEST(DomainXml, EveryCutOfADomainIsAnErrorOrADomain) {
    for (std::size_t length = 0; length < kLive.size(); ++length) {
        const auto facts = parse_domain_xml(std::string_view(kLive).substr(0, length));
        EXPECT_EQ(facts ? facts->maximum : 1_GiB, 1_GiB);
    }
    for (std::size_t at = 0; at < kLive.size(); ++at) {
        std::string changed = kLive;
        changed[at] = '<';
        static_cast<void>(parse_domain_xml(changed));
    }
}

TEST(DomainXml, EntitiesAreNotExpandedIntoMore) {
    const auto facts = parse_domain_xml("<!DOCTYPE d [<!ENTITY a \"1024\">]><domain><memory>&a;</memory></domain>");
    EXPECT_FALSE(facts) << "only the five predefined ones exist";
    EXPECT_EQ(parse_domain_xml(with(kLive, "/web-1.guest.sock", "/a&amp;b.sock"))->channel, "/run/guests/a&b.sock");
}

}  // namespace
}  // namespace aerostat::host::virt
