#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "contract/cost_curve.h"
#include "contract/units.h"

namespace aerostat::host {

/// Whose memory a layer is: some policies move only one kind.
enum class LayerKind { java_heap, guest_os };

/// One layer's claim. The curve's domain is what may be decided: its floor is always granted, more than its ceiling never.
struct ShareLayer {
    CostCurve curve;
    Bytes present;  ///< what it holds now: among equally good answers the one that moves least is taken
};

/// One guest's layers, with the bounds that hold for their sum (a guest's min and max, less what is outside its layers).
struct ShareGuest {
    double weight = 1;  ///< its costs count this many times; must be > 0
    Bytes least;
    Bytes most{Bytes::kLimit};
    std::vector<ShareLayer> layers;
};

struct ShareProblem {
    Bytes capacity;  ///< for the sum of all layers of all guests
    std::vector<ShareGuest> guests;
};

struct ShareOutcome {
    std::vector<std::vector<Bytes>> layers;  ///< [guest][layer]
    double price = 0;  ///< per byte: no byte taken is worth less, no byte left out is worth more; 0: all wishes are met
    Bytes short_by;    ///< by how much floors and guaranteed minimums alone pass the capacity
};

/// How memory is shared out. Implementations are pure and stateless. Thread: any.
class SharePolicy {
public:
    virtual ~SharePolicy() = default;
    /// As the configuration says it.
    [[nodiscard]] virtual std::string_view name() const = 0;
    [[nodiscard]] virtual ShareOutcome share_out(const ShareProblem& problem) const = 0;
    /// False: layers of this kind are left alone.
    [[nodiscard]] virtual bool moves(LayerKind) const { return true; }
    /// True: bytes move only where the price says that it pays. False: the shares are the aim, whatever they cost.
    [[nodiscard]] virtual bool weighs_costs() const { return false; }
    /// Why a layer's share is what it is, for policies that do not weigh costs.
    [[nodiscard]] virtual std::string_view reason() const { return {}; }
};

/// Minimises sum over guests of weight x sum over layers of cost, under the capacity and every guest's bounds. Exact.
///
/// Why greedy selection of segments is exact. For one guest, G(M) = the least weighted cost of its layers with M bytes in
/// all is their infimal convolution: convex, its segments are the layers' segments in order of falling slope. Bounding a
/// convex function's domain to [least, most] leaves it convex: the segments before `least` are forced (the guest fills its
/// minimum with its own best segments), those behind `most` are gone. What remains is a separable convex problem, min sum
/// G_g(M_g) under one sum constraint, whose optimum takes the steepest remaining segments of all guests until the capacity
/// is used up (KKT: one price, slopes taken >= price >= slopes left). Weighted selection finds that price in O(segments).
/// Segments exactly at the price are interchangeable: there each layer is first left what it holds, the rest is handed out
/// by weight. When `least` and the floors do not fit, everyone gets just these, and `short_by` says what is missing.
class PriceOfMemory final : public SharePolicy {
public:
    [[nodiscard]] std::string_view name() const override { return "price"; }
    [[nodiscard]] bool weighs_costs() const override { return true; }
    [[nodiscard]] ShareOutcome share_out(const ShareProblem& problem) const override;
};

[[nodiscard]] const SharePolicy& price_of_memory();

}  // namespace aerostat::host
