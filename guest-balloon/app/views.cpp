#include "guest-balloon/app/views.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "contract/codec.h"
#include "guest-balloon/decide/sane_report.h"

namespace aerostat::guest {
namespace {

using namespace literals;

constexpr Duration kLate = std::chrono::seconds(5);  // agents report once a second
constexpr Duration kPressureNews = std::chrono::seconds(60);

Millis age_of(TimePoint then, TimePoint now) { return std::max(Millis(0), to_millis(now - then)); }

double price_per_gib(const CostCurve& curve, Bytes footprint) {
    // At the floor a byte is beyond price; the number shown there is that of the cheapest byte above it.
    const Bytes above_floor = std::max(footprint, curve.floor() + 1_B);
    const double price = curve.price_of_taking(above_floor) * (1_GiB).as_double();
    return std::isfinite(price) ? price : 0;
}

void warn_of(const Jvm& jvm, TimePoint now, std::vector<std::string>& warnings) {
    if (!jvm.connection) {
        warnings.push_back(jvm.name + " (pid " + std::to_string(jvm.process.pid) + ") lost its connection " +
                           format_duration(now - jvm.heard_at) + " ago");
        return;
    }
    if (now - jvm.heard_at > kLate)
        warnings.push_back(jvm.name + " has said nothing for " + format_duration(now - jvm.heard_at));
    if (!jvm.blind.empty()) warnings.push_back(jvm.name + ": results cannot be verified: " + jvm.blind);
    if (jvm.last_pressure && now - jvm.pressure_at < kPressureNews) {
        warnings.push_back(jvm.name + " called for " + format_bytes(jvm.last_pressure->wanted) + " " +
                           format_duration(now - jvm.pressure_at) + " ago (" + jvm.last_pressure->cause + ")");
    }
}

std::vector<std::string> warnings_of(const GuestState& state, const LinkFacts& links, TimePoint now) {
    std::vector<std::string> warnings = links.degraded;
    if (!links.host_trouble.empty()) warnings.push_back("the host is silent: " + links.host_trouble);
    if (state.orders_of_other_sessions() > 0) {
        warnings.push_back(std::to_string(state.orders_of_other_sessions()) + " orders for another session were dropped");
    }
    for (const std::string& name : state.paused().jvms) warnings.push_back(name + " is paused");
    for (const Jvm* jvm : state.jvms().connected()) warn_of(*jvm, now, warnings);
    for (const Jvm* jvm : state.jvms().disconnected()) warn_of(*jvm, now, warnings);
    if (warnings.size() > WireLimits::kWarnings) {
        const std::size_t more = warnings.size() - WireLimits::kWarnings + 1;
        warnings.resize(WireLimits::kWarnings - 1);
        warnings.push_back("and " + std::to_string(more) + " more");
    }
    return warnings;
}

GuestView guest_view(const GuestState& state, TimePoint now) {
    GuestView view;
    view.name = state.name();
    view.identity = "pid:" + std::to_string(::getpid());
    const bool is_silent = state.superior(now) == Superior::silent;
    view.state = state.paused().everything ? "paused" : is_silent ? "silent" : "connected";
    view.charged = saturating_sub(state.memory().total, state.memory().available);
    view.memory_available = state.memory().available;
    view.os = state.os();
    Bytes heaps;
    for (const Jvm* jvm : state.jvms().connected()) {
        if (!jvm->report || view.jvms.size() >= WireLimits::kJvms) continue;
        heaps += jvm->report->footprint.resident;
        view.jvms.push_back(jvm_view(*jvm, now));
    }
    view.fixed = saturating_sub(view.charged, heaps);
    return view;
}

void fit_one_line(StatusView& view) {
    for (const std::size_t points : {std::size_t{8}, std::size_t{4}, std::size_t{2}}) {
        ControlReply reply;
        reply.id = "fits";
        reply.body = view;
        if (encode(reply)) return;
        for (JvmView& jvm : view.guests.front().jvms) jvm.report = slim_report(std::move(jvm.report), points);
        for (std::string& warning : view.warnings) warning.resize(std::min(warning.size(), std::size_t{100}));
    }
}

}  // namespace

JvmView jvm_view(const Jvm& jvm, TimePoint now) {
    JvmView view;
    view.report = jvm.report.value_or(JvmReport{});
    view.report.name = jvm.name;
    view.report_age = age_of(jvm.reported_at, now);
    if (jvm.restraint.target) view.target = jvm.restraint.target->footprint;
    view.ceiling = jvm.restraint.ceiling;
    view.price = price_per_gib(view.report.curve, view.report.footprint.resident);
    view.pss = jvm.pss;
    return view;
}

StatusView status_view(const GuestState& state, const LinkFacts& links, TimePoint now) {
    StatusView view;
    view.daemon = "guestd";
    view.name = state.name();
    view.software = AEROSTAT_VERSION;
    view.superior = to_string(state.superior(now));
    view.paused = state.paused().everything;
    view.memory = state.memory().total;
    view.malformed_lines = links.malformed_lines;
    view.peers_cut_off = links.peers_cut_off;
    view.warnings = warnings_of(state, links, now);
    view.guests.push_back(guest_view(state, now));
    fit_one_line(view);
    return view;
}

}  // namespace aerostat::guest
