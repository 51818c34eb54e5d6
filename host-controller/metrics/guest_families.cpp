#include "host-controller/metrics/guest_families.h"

#include <algorithm>
#include <array>

namespace aerostat::host::metrics {
namespace {

using Value = std::optional<double>;

template <class View>
struct Row {
    const char* name;
    const char* help;
    Value (*of)(const View& view);
};

Value millis(const std::optional<Millis>& time) { return time ? Value(number(*time)) : std::nullopt; }
Value count(const std::optional<std::uint64_t>& n) { return n ? Value(static_cast<double>(*n)) : std::nullopt; }

using G = const GuestView&;
constexpr auto kGuestGauges = std::to_array<Row<GuestView>>({
    {"aerostat_guest_charged_bytes", "What the guest holds, measured from outside.",
     [](G g) -> Value { return number(g.charged); }},
    {"aerostat_guest_outside_heaps_bytes", "Of that, outside its Java heaps.", [](G g) -> Value { return number(g.fixed); }},
    {"aerostat_guest_target_bytes", "What the plan leaves the guest; none: it is observed only.",
     [](G g) { return number(g.target); }},
    {"aerostat_guest_min_bytes", "Guaranteed to the guest.", [](G g) { return number(g.min); }},
    {"aerostat_guest_max_bytes", "Never given more.", [](G g) { return number(g.max); }},
    {"aerostat_guest_weight_ratio", "Its costs count so many times.", [](G g) -> Value { return g.weight; }},
    {"aerostat_guest_available_bytes", "MemAvailable inside, as the guest says.",
     [](G g) -> Value { return number(g.memory_available); }},
    {"aerostat_guest_ram_bytes", "RAM of the virtual machine.", [](G g) { return number(g.ram); }},
    {"aerostat_guest_os_balloon_bytes", "Of the RAM, in the guest OS balloon.", [](G g) { return number(g.os_balloon); }},
    {"aerostat_guest_jvms", "JVMs with an agent.", [](G g) -> Value { return static_cast<double>(g.jvms.size()); }},
});

using J = const JvmView&;
constexpr auto kJvmGauges = std::to_array<Row<JvmView>>({
    {"aerostat_jvm_footprint_bytes", "Resident bytes of the heap.",
     [](J j) -> Value { return number(j.report.footprint.resident); }},
    {"aerostat_jvm_live_bytes", "Live after the last cycle that saw the whole heap.",
     [](J j) { return number(j.report.live); }},
    {"aerostat_jvm_floor_bytes", "A lower target is not tried.", [](J j) -> Value { return number(j.report.floor); }},
    {"aerostat_jvm_max_heap_bytes", "More than this the heap cannot use.",
     [](J j) -> Value { return number(j.report.ceiling); }},
    {"aerostat_jvm_committed_bytes", "Committed by the JVM.", [](J j) -> Value { return number(j.report.committed); }},
    {"aerostat_jvm_used_bytes", "Used, garbage included.", [](J j) -> Value { return number(j.report.used); }},
    {"aerostat_jvm_non_heap_bytes", "Resident outside the heap.", [](J j) -> Value { return number(j.report.non_heap); }},
    {"aerostat_jvm_balloon_bytes", "Held by the Java-heap balloon.",
     [](J j) -> Value { return number(j.report.balloon.granted); }},
    {"aerostat_jvm_releasable_bytes", "Free and resident: could go now.",
     [](J j) -> Value { return number(j.report.releasable); }},
    {"aerostat_jvm_target_bytes", "The order in force; none: unrestrained.", [](J j) { return number(j.target); }},
    {"aerostat_jvm_operator_ceiling_bytes", "An operator's squeeze in force.", [](J j) { return number(j.ceiling); }},
    {"aerostat_jvm_price_cores_per_gibibyte", "What taking memory would cost here: CPU seconds a second for each GiB.",
     [](J j) -> Value { return j.price; }},
    {"aerostat_jvm_curve_seen_seconds", "How long collections were observed for that price, a minute at most.",
     [](J j) { return millis(j.report.curve_seen); }},
    {"aerostat_jvm_gc_cores", "CPU seconds a second of the collector's threads.",
     [](J j) -> Value { return j.report.gc_cpu; }},
    {"aerostat_jvm_agent_cores", "CPU seconds a second of the agent.", [](J j) -> Value { return j.report.agent_cpu; }},
    {"aerostat_jvm_allocation_bytes_per_second", "How fast the program allocates.",
     [](J j) -> Value { return j.report.alloc_bytes_per_s; }},
    {"aerostat_jvm_pause_p99_seconds", "99th percentile of the collector's recent pauses.",
     [](J j) { return millis(j.report.pause_p99); }},
    {"aerostat_jvm_report_age_seconds", "Since its guest's last report.", [](J j) -> Value { return number(j.report_age); }},
    {"aerostat_jvm_distress", "1: the guard sees the collector in distress.",
     [](J j) -> Value { return j.report.distress.empty() ? 0 : 1; }},
});
constexpr auto kJvmCounters = std::to_array<Row<JvmView>>({
    {"aerostat_jvm_gcs_total", "Collections since the JVM started.", [](J j) { return count(j.report.gc_count); }},
    {"aerostat_jvm_full_gcs_total", "Full collections since the JVM started.", [](J j) { return count(j.report.full_gcs); }},
    {"aerostat_jvm_refills_total", "Chunks whose pages came back and went again.",
     [](J j) { return count(j.report.refills); }},
    {"aerostat_jvm_guard_releases_total", "Times the guard gave the balloon back.",
     [](J j) { return count(j.report.guard_releases); }},
});

void add_jvm(Families& families, const GuestView& guest, const JvmView& jvm) {
    const Labels labels{{"guest", guest.name}, {"jvm", jvm.report.name}};
    for (const auto& row : kJvmGauges) families.gauge(row.name, row.help, row.of(jvm), labels);
    for (const auto& row : kJvmCounters) families.counter(row.name, row.help, row.of(jvm), labels);
}

}  // namespace

std::size_t add_guests(Families& families, const StatusView& status, std::size_t most_jvms) {
    std::size_t all = 0;
    for (const GuestView& guest : status.guests) {
        const Labels labels{{"guest", guest.name}};
        for (const auto& row : kGuestGauges) families.gauge(row.name, row.help, row.of(guest), labels);
        families.gauge("aerostat_guest_state", "1 for the state that the guest is in.", 1,
                       {{"guest", guest.name}, {"state", guest.state}});
        for (const JvmView& jvm : guest.jvms) {
            if (++all <= most_jvms) add_jvm(families, guest, jvm);
        }
    }
    return all > most_jvms ? all - most_jvms : 0;
}

}  // namespace aerostat::host::metrics
