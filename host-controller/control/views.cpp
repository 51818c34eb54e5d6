#include <algorithm>
#include <cmath>

#include "host-controller/control/desk.h"

namespace aerostat::host::control {
namespace {

const GuestPlan* plan_of(const HostPlan& plan, const GuestId& guest) {
    const auto found =
        std::find_if(plan.guests.begin(), plan.guests.end(), [&](const GuestPlan& g) { return g.guest == guest; });
    return found == plan.guests.end() ? nullptr : &*found;
}

double finite(double price) { return std::isfinite(price) ? price : 0; }

JvmView jvm_view(const Host& host, const GuestSeen& guest, const LayerSeen& layer, const JvmReport& report) {
    JvmView view;
    view.report = report;
    view.report_age = host.report_age(guest.id);
    view.target = layer.target;
    if (const auto ceiling = host.state().ceilings.find({guest.id, layer.name}); ceiling != host.state().ceilings.end()) {
        view.ceiling = ceiling->second.footprint;
    }
    view.price = per_gib(finite(layer.curve.price_of_taking(layer.footprint)));
    return view;
}

void add_os_layer(GuestView& view, const HostPlan& plan, const GuestSeen& guest, const LayerSeen& layer) {
    OsView& os = view.os_layer.emplace();
    os.footprint = layer.footprint;
    os.floor = layer.floor;
    os.target = layer.target;
    os.price = per_gib(finite(layer.curve.price_of_taking(layer.footprint)));
    view.fixed += layer.footprint;
    const auto row = std::find_if(plan.layers.begin(), plan.layers.end(),
                                  [&](const LayerPlan& one) { return one.guest == guest.id && one.layer == layer.name; });
    if (row != plan.layers.end()) os.planned = row->target;
}

GuestView guest_view(const Host& host, const HostPlan& plan, const GuestSeen& guest) {
    GuestView view;
    view.name = guest.name;
    view.identity = guest.id;
    view.charged = guest.charged;
    view.fixed = guest.fixed;
    for (const LayerSeen& layer : guest.layers) {
        if (layer.kind == LayerKind::guest_os) add_os_layer(view, plan, guest, layer);
    }
    if (const GuestPlan* planned = plan_of(plan, guest.id)) {
        view.state = planned->state;
        view.target = planned->target;
    }
    if (const auto limits = host.rules().limits_for(guest.name)) {
        view.weight = limits->weight;
        view.min = limits->min;
        view.max = limits->max;
    } else {
        view.target.reset();
    }
    if (const auto os = host.os_size_of(guest.id)) {
        view.ram = os->ram;
        view.os_balloon = os->balloon;
    }
    view.notes = host.notes_on(guest.id);
    if (view.notes.size() > WireLimits::kNotes) view.notes.resize(WireLimits::kNotes);
    const GuestReport* report = host.report_of(guest.id);
    if (!report) return view;
    view.memory_available = report->memory_available;
    view.os = report->os;
    for (const LayerSeen& layer : guest.layers) {
        const auto said =
            std::find_if(report->jvms.begin(), report->jvms.end(), [&](const JvmReport& r) { return r.name == layer.name; });
        if (said != report->jvms.end()) view.jvms.push_back(jvm_view(host, guest, layer, *said));
    }
    return view;
}

}  // namespace

double per_gib(double price) { return price * static_cast<double>(1ULL << 30); }

StatusView status_view(const Host& host) {
    StatusView view = host.status_frame();
    const HostPlan plan = host.dry_run();
    view.daemon = "hostd";
    view.mode = host.acts() ? "act" : "advise";
    view.policy = plan.policy;
    view.paused = host.state().paused;
    view.memory = host.rules().memory;
    view.emergency_reserve = host.rules().emergency_reserve;
    if (!host.reserved().is_zero()) view.reserved = host.reserved();
    if (!host.lost().is_zero()) view.lost = host.lost();
    view.charged = plan.charged;
    view.price = per_gib(plan.price);
    if (!plan.short_by.is_zero()) view.short_by = plan.short_by;
    const HostSnapshot seen = host.seen();
    for (const GuestSeen& guest : seen.guests) {
        view.guests.push_back(guest_view(host, plan, guest));
        const GuestPlan* planned = plan_of(plan, guest.id);
        if (planned && !planned->short_by.is_zero()) {
            view.warnings.push_back(guest.name + " needs " + format_bytes(planned->short_by) + " more than there is");
        }
        for (const LayerSeen& layer : guest.layers) {
            const auto track = plan.after.tracks.find({guest.id, layer.name});
            if (track != plan.after.tracks.end() && track->second.flagged) {
                view.warnings.push_back(guest.name + "/" + layer.name + " is stuck: it does not come nearer to its target");
            }
        }
    }
    if (view.warnings.size() > WireLimits::kWarnings) view.warnings.resize(WireLimits::kWarnings);
    return view;
}

PlanView plan_view(const HostPlan& plan) {
    PlanView view;
    view.capacity = plan.capacity;
    if (!plan.ready.is_zero()) view.ready = plan.ready;
    view.policy = plan.policy;
    view.price = per_gib(plan.price);
    if (!plan.short_by.is_zero()) view.short_by = plan.short_by;
    for (const LayerPlan& layer : plan.layers) {
        view.rows.push_back(
            {layer.guest_name, layer.layer, layer.now, layer.target, per_gib(finite(layer.price)), layer.why});
    }
    return view;
}

}  // namespace aerostat::host::control
