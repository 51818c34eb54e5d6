#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "application-balloon/contract/pattern.h"
#include "application-balloon/contract/wire.h"
#include "application-balloon/guest/act/piece_source.h"
#include "application-balloon/guest/decide/holding.h"

namespace aerostat::balloon::guest {

/// The balloon: takes pieces, writes the pattern into them, says where they are; gives them back. Thread: one.
class Balloon {
public:
    struct Ports {
        std::unique_ptr<PieceSource> source;  ///< absent: nothing can be held, see `why_not`
        std::string why_not;
        std::function<Result<GuestMemory>()> memory;
        std::optional<Bytes> reserve;
    };
    explicit Balloon(Ports ports) : ports_(std::move(ports)), secret_(random_secret()) {}

    [[nodiscard]] BalloonAnswer answer(const BalloonRequest& request);
    /// The guest stalls: everything goes back. How many pieces.
    std::uint32_t release();
    [[nodiscard]] const Secret& secret() const { return secret_; }

private:
    [[nodiscard]] BalloonAnswer carry_out(const AskState& ask) const;
    [[nodiscard]] BalloonAnswer carry_out(const Inflate& inflate);
    [[nodiscard]] BalloonAnswer carry_out(const Settle& settle);
    [[nodiscard]] BalloonAnswer carry_out(const Deflate& deflate);
    [[nodiscard]] Done give_back(RequestId id, const std::vector<Holding::Slot>& slots);

    Ports ports_;
    Secret secret_;
    Holding holding_;
};

}  // namespace aerostat::balloon::guest
