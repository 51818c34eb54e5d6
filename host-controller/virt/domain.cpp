#include "host-controller/virt/domain.h"

#include <algorithm>
#include <map>

#include "contract/names.h"

namespace aerostat::host::virt {
namespace {

constexpr std::string_view kPrefix = "domain:";
constexpr std::size_t kLongestName = 64;
constexpr std::size_t kNamed = 5;  // more than these are only counted

bool is_hex(char letter) { return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f'); }

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
    if (const auto why = why_no_balloon(domain)) troubles.push_back(why->message);
    if (!domain.measure_trouble.empty()) troubles.push_back("it cannot be measured: " + domain.measure_trouble);
    return troubles;
}

}  // namespace

GuestId guest_id_of(const std::string& uuid) { return std::string(kPrefix) + uuid; }

bool is_domain_guest_id(std::string_view guest) {
    constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (!guest.starts_with(kPrefix)) return false;
    return std::equal(guest.begin() + kPrefix.size(), guest.end(), kForm.begin(), kForm.end(),
                      [](char letter, char form) { return form == '-' ? letter == '-' : is_hex(letter); });
}

std::string guest_name_of(std::string_view domain_name) {
    std::string name(domain_name.substr(0, kLongestName));
    for (char& letter : name) {
        if (letter == '~' || !is_valid_name(std::string_view(&letter, 1))) letter = '_';
    }
    return name.empty() ? "_" : name;
}

std::optional<Error> why_no_balloon(const Domain& domain) {
    constexpr const char* kRemedy = "; it is left alone: give it <memballoon model='virtio' autodeflate='on'/>";
    if (!domain.facts) return Error{ErrorCode::unsupported, domain.facts.error().message};
    if (!domain.facts->virtio_balloon)
        return Error{ErrorCode::unsupported, std::string("it has no virtio balloon") + kRemedy};
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
