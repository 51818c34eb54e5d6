#include "host-controller/virt/examine.h"

namespace aerostat::host::virt {
namespace {

constexpr const char* kOk = "ok";
constexpr const char* kAdvice = "advice";
constexpr const char* kBad = "bad";
constexpr const char* kBalloon = "give the domain <memballoon model='virtio' autodeflate='on' freePageReporting='on'/>";

std::string joined(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
    return all;
}

Finding balloon_of(const Domain& domain) {
    const DomainFacts& facts = *domain.facts;
    if (domain.needs_no_driver && facts.memory_backing != "memfd")
        return {"balloon", domain.name, kBad, "the application balloon is on for it, but its RAM is no memfd",
                "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"};
    if (domain.needs_no_driver) return {"balloon", domain.name, kOk, "the application balloon: no driver is needed", {}};
    if (!facts.virtio_balloon) return {"balloon", domain.name, kBad, "it has no virtio balloon: it is left alone", kBalloon};
    if (facts.autodeflate) return {"balloon", domain.name, kOk, "a virtio balloon with autodeflate", {}};
    return {"balloon", domain.name, facts.free_page_reporting ? kAdvice : kBad,
            "its balloon would not give pages back to a guest in need (no autodeflate): it is not moved", kBalloon};
}

Finding reporting_of(const Domain& domain) {
    if (domain.facts->free_page_reporting)
        return {"free page reporting", domain.name, kOk, "what the guest frees comes back by itself", {}};
    return {"free page reporting", domain.name, kAdvice, "off: what heaps give comes back through the balloon only",
            kBalloon};
}

Finding locked_of(const Domain& domain) {
    const DomainFacts& facts = *domain.facts;
    if (!facts.locked_by.empty())
        return {"locked memory", domain.name, kBad,
                "it has " + facts.locked_by + ": QEMU keeps all its memory; it is left alone",
                "take the device or the setting away, or leave the domain out of [guest] sections"};
    if (facts.huge_pages)
        return {"locked memory", domain.name, kBad,
                "its RAM is in huge pages, which no balloon gives back; it is left alone",
                "take <hugepages/> out of its <memoryBacking>"};
    return {"locked memory", domain.name, kOk, "its memory is not locked", {}};
}

Finding channel_of(const Domain& domain) {
    const std::string name(kChannelName);
    if (!domain.channel)
        return {"channel", domain.name, kBad, domain.facts->why_no_channel,
                "<channel type='unix'><source mode='bind'/><target type='virtio' name='" + name + "'/></channel>"};
    if (!domain.channel->trouble().empty() && !domain.channel->is_joined())
        return {"channel", domain.name, kBad, "cannot be reached: " + domain.channel->trouble(),
                "run hostd as root, or give it the right to the socket"};
    return {"channel", domain.name, kOk, name, {}};
}

Finding guestd_of(const Domain& domain) {
    if (domain.channel && domain.channel->is_joined()) return {"guestd", domain.name, kOk, "connected", {}};
    return {"guestd", domain.name, kBad, "not heard of",
            "in the guest: systemctl status aerostat-guestd; aerostat-guestd --host virtio:" + std::string(kChannelName)};
}

}  // namespace

std::vector<Finding> examine_libvirt(const std::string& uri, const std::string& trouble, const LibvirtFacts& facts) {
    if (!trouble.empty())
        return {
            {"libvirt", {}, kBad, uri + ": " + trouble, "is libvirtd running, is `uri` right, may hostd use its socket?"}};
    std::vector<Finding> findings{{"libvirt", {}, kOk, uri + ": libvirt " + facts.libvirt + ", " + facts.hypervisor, {}}};
    if (facts.missing_events.empty())
        findings.push_back(
            {"events", {}, kOk, "libvirt tells of starts, stops, balloons, errors in memory, migrations", {}});
    else
        findings.push_back({"events",
                            {},
                            kAdvice,
                            "this libvirt does not tell of: " + joined(facts.missing_events),
                            "a newer libvirt; until then hostd looks every 2 s"});
    return findings;
}

std::vector<Finding> examine_domain(const Domain& domain) {
    if (!domain.facts) return {{"domain", domain.name, kBad, domain.facts.error().message, "see virsh dumpxml"}};
    std::vector<Finding> findings{balloon_of(domain), reporting_of(domain), locked_of(domain)};
    if (domain.facts->stats_period.count() == 0 && domain.facts->virtio_balloon)
        findings.push_back({"balloon statistics", domain.name, kAdvice,
                            "off in its XML; hostd switches them on while it runs",
                            "<memballoon …><stats period='1'/></memballoon>"});
    findings.push_back(channel_of(domain));
    if (domain.channel) findings.push_back(guestd_of(domain));
    if (!domain.measure_trouble.empty())
        findings.push_back(
            {"measuring", domain.name, kBad, domain.measure_trouble, "run hostd as root, on the domain's host"});
    return findings;
}

}  // namespace aerostat::host::virt
