#include "host-controller/decide/explain.h"

namespace aerostat::host {
namespace {

std::string reason_of_aim(const FrameLayer& layer, const ShareGuest& share, Bytes share_sum, Bytes aim,
                          const SharePolicy& policy) {
    const Bytes base = layer.in_force.value_or(layer.seen->footprint);
    if (layer.urgent && aim >= base) return "needs more at once";
    if (layer.operator_ceiling && aim >= *layer.operator_ceiling) return "held by operator";
    if (layer.on_its_way_to && aim >= layer.seen->footprint && aim <= *layer.on_its_way_to)
        return layer.is_young ? "has just begun to work" : "grows in need";
    if (aim <= layer.seen->floor) return "at its floor";
    if (layer.reachable && aim <= *layer.reachable) return "goes no lower, as orders have shown";
    if (share_sum >= share.most) return "bounded by the guest's max";
    if (share_sum <= share.least) return "kept at the guest's min";
    if (!policy.weighs_costs()) return std::string(policy.reason());
    if (aim < base) return "cheapest bytes";
    if (aim > base) return layer.seen->curve.gain_of_giving(base) > 0 ? "needs more" : "headroom nobody else needs";
    return "as it is";
}

}  // namespace

std::string why(const FrameGuest& guest, const FrameLayer& layer, const ShareGuest& share, Bytes share_sum, Bytes aim,
                const Step& step, const SharePolicy& policy) {
    if (!layer.untouched_because.empty()) return layer.untouched_because;
    const std::string reason =
        guest.untouched_because.empty() ? reason_of_aim(layer, share, share_sum, aim, policy) : guest.untouched_because;
    switch (step.kind) {
        case StepKind::not_worth:
            return reason + "; the gain does not pay for moving";
        case StepKind::busy:
            return reason + "; an order is under way";
        case StepKind::waits_for_free:
            return reason + "; waits until memory is verified free";
        case StepKind::restrain:
            return "given its first target where it is";
        case StepKind::none:
        case StepKind::shrink:
        case StepKind::raise:
            return reason;
    }
    return reason;
}

}  // namespace aerostat::host
