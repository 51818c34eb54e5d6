#pragma once

#include "contract/cost_curve.h"

// What applications offer to give back, as a cost curve over the bytes that they may keep of it: [0, all that is offered].
namespace aerostat::guest {

/// CPU seconds a second and GiB. An offer is never cheaper than page cache that nobody has used for long: it is asked for
/// after that. One without a price counts as dearer than any page cache.
inline constexpr double kLeastOfferPricePerGib = 0.1;
inline constexpr double kUnpricedOfferPerGib = 10;
inline constexpr double kMostOfferPricePerGib = 900;  // nobody pays more than swapping costs

/// The curve of so many bytes at this price a GiB, brought within the bounds above; nothing of zero bytes.
[[nodiscard]] CostCurve offer_of(Bytes bytes, double price_per_gib);
/// The cheapest part of an offer: no more than `most` bytes.
[[nodiscard]] CostCurve cheapest_of(const CostCurve& offers, Bytes most);
/// The curve of a layer whose memory holds what is offered: its floor is lower by that.
[[nodiscard]] CostCurve with_offers(const CostCurve& own, const CostCurve& offers);
/// How much of the offers should be taken up so that it costs least to leave the layer with `left`: all of them where
/// that is still too little.
[[nodiscard]] Bytes due_of_offers(const CostCurve& own, const CostCurve& offers, Bytes left);

}  // namespace aerostat::guest
