#include "host-controller/virt/domain_xml.h"

#include <charconv>
#include <limits>

#include <pugixml.hpp>

namespace aerostat::host::virt {
namespace {

constexpr std::size_t kLongest = 1024UL * 1024;
constexpr std::size_t kMostCells = 128;
constexpr std::chrono::seconds kLongestPeriod = std::chrono::hours(24);

std::string_view attribute(const pugi::xml_node& node, const char* name) { return node.attribute(name).value(); }

bool to_number(std::string_view text, std::uint64_t& value) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return false;
    text = text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

// libvirt's units of memory (virScaleInteger): KiB where none is named.
std::optional<std::uint64_t> bytes_in(std::string_view unit) {
    if (unit.empty() || unit == "KiB" || unit == "k") return 1ULL << 10U;
    if (unit == "b" || unit == "bytes") return 1;
    if (unit == "KB") return 1000ULL;
    if (unit == "MiB" || unit == "M") return 1ULL << 20U;
    if (unit == "MB") return 1000ULL * 1000;
    if (unit == "GiB" || unit == "G") return 1ULL << 30U;
    if (unit == "GB") return 1000ULL * 1000 * 1000;
    if (unit == "TiB" || unit == "T") return 1ULL << 40U;
    if (unit == "TB") return 1000ULL * 1000 * 1000 * 1000;
    return std::nullopt;
}

std::optional<Bytes> amount(std::string_view number, std::string_view unit) {
    std::uint64_t value = 0;
    const auto scale = bytes_in(unit);
    if (!scale || !to_number(number, value) || value == 0 || value > Bytes::kLimit / *scale) return std::nullopt;
    return Bytes(value * *scale);
}

void read_balloon(const pugi::xml_node& balloon, DomainFacts& facts) {
    // "virtio", "virtio-transitional", "virtio-non-transitional"; "none" and "xen" are not for us.
    facts.virtio_balloon = attribute(balloon, "model").starts_with("virtio");
    facts.autodeflate = attribute(balloon, "autodeflate") == "on";
    facts.free_page_reporting = attribute(balloon, "freePageReporting") == "on";
    std::uint64_t seconds = 0;
    if (to_number(attribute(balloon.child("stats"), "period"), seconds) && std::in_range<int>(seconds))
        facts.stats_period = std::min(std::chrono::seconds(seconds), kLongestPeriod);
}

void read_backing(const pugi::xml_node& domain, DomainFacts& facts) {
    const pugi::xml_node backing = domain.child("memoryBacking");
    facts.memory_backing = std::string(attribute(backing.child("source"), "type").substr(0, 32));
    facts.huge_pages = !backing.child("hugepages").empty();
    for (const pugi::xml_node& cell : domain.child("cpu").child("numa").children("cell")) {
        const auto size = amount(attribute(cell, "memory"), attribute(cell, "unit"));
        if (size && facts.numa_cells.size() < kMostCells) facts.numa_cells.push_back(*size);
    }
}

// A device that reads and writes memory by itself needs all of it where it is; libvirt and QEMU then lock it.
std::string why_locked(const pugi::xml_node& domain) {
    if (!domain.child("memoryBacking").child("locked").empty()) return "locked memory (<memoryBacking><locked/>)";
    if (!domain.child("launchSecurity").empty()) return "encrypted memory (<launchSecurity>)";
    const pugi::xml_node devices = domain.child("devices");
    for (const pugi::xml_node& device : devices.children("hostdev")) {
        const std::string_view type = attribute(device, "type");
        if (type == "pci" || type == "mdev") return "a passed-through device (<hostdev type='" + std::string(type) + "'>)";
    }
    for (const pugi::xml_node& interface : devices.children("interface")) {
        const std::string_view type = attribute(interface, "type");
        if (type == "hostdev" || type == "vdpa") return "a passed-through network device";
    }
    return {};
}

// A channel is ours by its target; it is of use if QEMU listens at a unix socket of this host.
void read_channel(const pugi::xml_node& devices, DomainFacts& facts) {
    const std::string name(kChannelName);
    facts.why_no_channel = "it has no virtio channel " + name;
    for (const pugi::xml_node& channel : devices.children("channel")) {
        if (attribute(channel.child("target"), "type") != "virtio" || attribute(channel.child("target"), "name") != name)
            continue;
        const std::string_view mode = attribute(channel.child("source"), "mode");
        const std::string_view path = attribute(channel.child("source"), "path");
        if (attribute(channel, "type") != "unix" || (!mode.empty() && mode != "bind") || !path.starts_with('/')) {
            facts.why_no_channel = "its channel " + name + " is not a unix socket that QEMU listens at (mode='bind')";
            continue;
        }
        facts.channel = std::string(path);
        return facts.why_no_channel.clear();
    }
}

}  // namespace

Result<DomainFacts> parse_domain_xml(std::string_view xml) {
    if (xml.size() > kLongest) return fail(ErrorCode::bad_value, "the domain's XML is longer than 1 MiB");
    pugi::xml_document document;
    const auto parsed = document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
    if (!parsed) return fail(ErrorCode::bad_value, std::string("the domain's XML cannot be read: ") + parsed.description());
    const pugi::xml_node domain = document.child("domain");
    if (domain.empty()) return fail(ErrorCode::bad_value, "not the XML of a domain");
    DomainFacts facts;
    const pugi::xml_node memory = domain.child("memory");
    const auto maximum = amount(memory.text().get(), attribute(memory, "unit"));
    if (!maximum) return fail(ErrorCode::bad_value, "the domain's XML names no amount of <memory>");
    facts.maximum = *maximum;
    const pugi::xml_node current = domain.child("currentMemory");
    facts.at_start = std::min(amount(current.text().get(), attribute(current, "unit")).value_or(*maximum), *maximum);
    facts.uuid = std::string(std::string_view(domain.child("uuid").text().get()).substr(0, 64));
    facts.locked_by = why_locked(domain);
    read_balloon(domain.child("devices").child("memballoon"), facts);
    read_backing(domain, facts);
    read_channel(domain.child("devices"), facts);
    return facts;
}

}  // namespace aerostat::host::virt
