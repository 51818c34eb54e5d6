#include "host-controller/virt/domain.h"

#include <algorithm>
#include <map>

namespace aerostat::host::virt {
namespace {

constexpr std::size_t kNamed = 5;  // more than these are only counted

std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), kNamed); ++i) text += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > kNamed) text += " and " + std::to_string(names.size() - kNamed) + " more";
    return (names.size() == 1 ? "domain " : "domains ") + text;
}

std::vector<std::string> troubles_of(const Domain& domain) {
    if (!domain.facts) return {domain.facts.error().message + "; it is only measured"};
    std::vector<std::string> troubles;
    if (!domain.channel)
        troubles.push_back(domain.facts->why_no_channel + "; its JVMs cannot be asked for memory");
    else if (!domain.channel->trouble().empty() && !domain.channel->is_joined())
        troubles.push_back("its channel cannot be reached: " + domain.channel->trouble());
    if (const auto why = domain.needs_no_driver ? std::nullopt : why_no_balloon(domain)) troubles.push_back(why->message);
    if (!domain.measure_trouble.empty()) troubles.push_back("it cannot be measured: " + domain.measure_trouble);
    return troubles;
}

}  // namespace

std::string why_nothing_comes_back(const DomainFacts& facts, bool needs_no_driver) {
    if (!facts.locked_by.empty())
        return "it has " + facts.locked_by + ": QEMU keeps all its memory, so none comes back to the host";
    if (facts.huge_pages) return "its RAM is in huge pages (<hugepages/>), which no balloon gives back";
    if (needs_no_driver && facts.memory_backing == "memfd") return {};
    if (needs_no_driver && !facts.free_page_reporting)
        return "its RAM is no memfd, so its application balloon can take nothing: give it <memoryBacking><source "
               "type='memfd'/><access mode='shared'/></memoryBacking>, or switch application_balloon off for it";
    constexpr const char* kRemedy = "; give it <memballoon model='virtio' autodeflate='on' freePageReporting='on'/>";
    if (!facts.virtio_balloon) return std::string("it has no virtio balloon: nothing comes back to the host") + kRemedy;
    if (!facts.autodeflate && !facts.free_page_reporting)
        return std::string("its balloon has neither autodeflate nor free page reporting: nothing comes back to the host") +
               kRemedy;
    return {};
}

std::string why_left_alone(const Domain& domain) {
    if (domain.state == RunState::crashed) return "its kernel has crashed";
    if (domain.moving) return "its memory is being copied (a migration, or a save)";
    if (domain.state == RunState::suspended && !domain.stopped_by_us) return "it is suspended";
    return domain.facts ? why_nothing_comes_back(*domain.facts, domain.needs_no_driver) : std::string();
}

std::optional<Error> why_no_balloon(const Domain& domain) {
    constexpr const char* kRemedy = "; it is left alone: give it <memballoon model='virtio' autodeflate='on'/>";
    if (!domain.facts) return Error{ErrorCode::unsupported, domain.facts.error().message};
    if (const std::string why = why_nothing_comes_back(*domain.facts); !why.empty())
        return Error{ErrorCode::unsupported, why};
    if (!domain.facts->autodeflate)
        return Error{ErrorCode::unsupported,
                     std::string("its balloon would not give pages back to a guest in need (no autodeflate)") + kRemedy};
    return std::nullopt;
}

std::vector<std::string> warnings_about(const std::vector<const Domain*>& domains) {
    std::map<std::string, std::vector<std::string>> by_trouble;
    for (const Domain* domain : domains) {
        for (std::string& trouble : troubles_of(*domain)) by_trouble[std::move(trouble)].push_back(domain->name);
    }
    std::vector<std::string> sentences;
    for (const auto& [trouble, names] : by_trouble) sentences.push_back(listed(names) + ": " + trouble);
    return sentences;
}

}  // namespace aerostat::host::virt
