#include "host-controller/sense/guest_register.h"

#include <algorithm>

#include "contract/names.h"
#include "host-controller/sense/os_check.h"
#include "host-controller/sense/report_check.h"

namespace aerostat::host::sense {
namespace {

constexpr Duration kSilentAfter = std::chrono::seconds(10);
constexpr Duration kFresh = std::chrono::milliseconds(1500);
constexpr std::size_t kSamples = 5;
constexpr std::size_t kLongestName = 64;
constexpr std::size_t kMostNames = 256;
constexpr Duration kRemembered = std::chrono::minutes(10);

Bytes median(std::deque<Bytes> samples) {
    const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
    std::nth_element(samples.begin(), middle, samples.end());
    return *middle;
}

Bytes footprints(const std::vector<LayerSeen>& layers) {
    Bytes sum;
    for (const LayerSeen& layer : layers) sum += layer.footprint;
    return sum;
}

// A name that goes and comes back is no new one, and of more names than a guest can need none is.
void note_jvms(GuestRecord& record, const GuestReport& report, TimePoint now) {
    std::erase_if(record.jvms, [&](const auto& known) { return now - known.second.last >= kRemembered; });
    for (const JvmReport& jvm : report.jvms) {
        if (const auto known = record.jvms.find(jvm.name); known != record.jvms.end())
            known->second.last = now;
        else if (record.jvms.size() < kMostNames)
            record.jvms.emplace(jvm.name, Sighting{now, now});
    }
}

// What lies outside the heaps is the guest OS layer where that can be moved.
void add_os_layer(GuestSeen& guest, const GuestRecord& record, Bytes budget) {
    if (!record.report) return;
    OsOutside outside;
    outside.holds = guest.fixed;
    if (record.container) outside.cache = record.container->cache;
    outside.os_balloon = record.balloon;
    outside.was_bound = record.os_bound;
    auto os = believable_os_layer(*record.report, outside, guest.layers, budget);
    if (!os) return;
    guest.fixed = saturating_sub(guest.fixed, os->footprint);
    guest.layers.push_back(*std::move(os));
}

}  // namespace

std::optional<Bytes> GuestRegister::charged(const GuestRecord& record) {
    const bool moves = record.container && record.report && record.report->os && record.report->os->can_move;
    if (!record.charged || !moves) return record.charged;
    return std::max(*record.charged + record.container->cache, record.container->holds);
}

Result<std::string> GuestRegister::join(const GuestId& id, const std::string& said_name, std::uint64_t number,
                                        TimePoint now) {
    const auto valid = parse_name(said_name);
    if (!valid) return tl::unexpected(valid.error());
    const auto known = guests_.find(id);
    if (known == guests_.end() && guests_.size() >= kMostGuests) {
        return fail(ErrorCode::refused, "this host already has " + std::to_string(kMostGuests) + " guests");
    }
    if (known == guests_.end() || known->second.said_name != said_name) {
        const std::string name =
            known != guests_.end() && known->second.name == said_name ? said_name : free_name(said_name, number);
        guests_[id].name = name;
    }
    GuestRecord& record = guests_[id];
    record.said_name = said_name;
    record.connected = true;
    record.report_at = now;
    return record.name;
}

void GuestRegister::remember(const GuestId& id, const std::string& name) {
    if (guests_.size() >= kMostGuests || guests_.contains(id)) return;
    GuestRecord& record = guests_[id];
    record.name = free_name(name, 0);
    record.said_name = name.substr(0, name.find('~'));
}

std::string GuestRegister::free_name(const std::string& wanted, std::uint64_t number) const {
    if (!find_named(wanted)) return wanted;
    std::string name;
    for (;; ++number) {
        const std::string suffix = "~" + std::to_string(number);
        name = wanted.substr(0, kLongestName - suffix.size()) + suffix;
        if (!find_named(name)) return name;
    }
}

void GuestRegister::lose(const GuestId& id) {
    if (const auto found = guests_.find(id); found != guests_.end()) found->second.connected = false;
}

void GuestRegister::take_report(const GuestId& id, GuestReport report, TimePoint now) {
    const auto found = guests_.find(id);
    if (found == guests_.end()) return;
    note_jvms(found->second, report, now);
    found->second.report = std::move(report);
    found->second.report_at = now;
}

bool GuestRegister::take_measurement(const GuestId& id, const GuestResidency& seen, TimePoint now) {
    const auto found = guests_.find(id);
    if (found == guests_.end()) return false;
    if (seen.processes == 0 && !found->second.connected) {
        guests_.erase(found);
        return true;
    }
    GuestRecord& record = found->second;
    record.charged = seen.charged;
    record.container = seen.container;
    record.measured_at = now;
    record.unreadable = seen.unreadable;
    sample_fixed(record, now);
    return false;
}

void GuestRegister::take_balloon(const GuestId& id, const OsBalloon& look) {
    const auto found = guests_.find(id);
    if (found == guests_.end()) return;
    GuestRecord& record = found->second;
    record.balloon = look;
    if (!record.charged) return;
    const GuestSeen guest = seen(id, record, Bytes(Bytes::kLimit), record.report_at);
    record.os_bound = std::any_of(guest.layers.begin(), guest.layers.end(), [](const LayerSeen& layer) {
        return layer.kind == LayerKind::guest_os && layer.target.has_value();
    });
}

// Only when report and measurement are of the same moment does their difference mean anything; the median of a few takes
// out what a heap grew or shrank in between.
void GuestRegister::sample_fixed(GuestRecord& record, TimePoint now) {
    if (!record.report || now - record.report_at > kFresh) return;
    const Bytes holds = *charged(record);
    const auto layers = believable_layers(*record.report, holds, Bytes(Bytes::kLimit));
    record.fixed_samples.push_back(saturating_sub(holds, footprints(layers)));
    if (record.fixed_samples.size() > kSamples) record.fixed_samples.pop_front();
}

HostSnapshot GuestRegister::snapshot(Bytes budget, TimePoint now) const {
    HostSnapshot picture;
    for (const auto& [id, record] : guests_) {
        if (record.charged) picture.guests.push_back(seen(id, record, budget, now));
    }
    return picture;
}

// Of a guest that has been measured.
GuestSeen GuestRegister::seen(const GuestId& id, const GuestRecord& record, Bytes budget, TimePoint now) {
    GuestSeen guest;
    guest.id = id;
    guest.name = record.name;
    guest.connected = record.connected && record.report && now - record.report_at < kSilentAfter && record.unreadable == 0;
    guest.charged = *charged(record);
    if (record.report) {
        guest.layers = believable_layers(*record.report, guest.charged, budget);
        guest.hands_off = record.report->paused;
        for (LayerSeen& layer : guest.layers) {
            if (const auto known = record.jvms.find(layer.name); known != record.jvms.end())
                layer.known_for = now - known->second.first;
        }
    }
    guest.fixed = record.fixed_samples.empty() ? saturating_sub(guest.charged, footprints(guest.layers))
                                               : median(record.fixed_samples);
    guest.fixed = std::min(guest.fixed, guest.charged);
    add_os_layer(guest, record, budget);
    return guest;
}

const GuestRecord* GuestRegister::find(const GuestId& id) const {
    const auto found = guests_.find(id);
    return found == guests_.end() ? nullptr : &found->second;
}

const GuestRecord* GuestRegister::find_named(const std::string& name) const {
    for (const auto& [id, record] : guests_) {
        if (record.name == name || id == name) return &record;
    }
    return nullptr;
}

}  // namespace aerostat::host::sense
