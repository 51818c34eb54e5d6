#include "host-controller/virt/guest_names.h"

#include <algorithm>

#include "contract/names.h"

namespace aerostat::host::virt {
namespace {

constexpr std::string_view kPrefix = "domain:";
constexpr std::size_t kLongestName = 64;

bool is_hex(char letter) { return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f'); }

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

}  // namespace aerostat::host::virt
