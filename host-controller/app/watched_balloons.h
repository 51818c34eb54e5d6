#pragma once

#include <functional>

#include "host-controller/backend/backend.h"

namespace aerostat::host::app {

/// A backend's OS balloons, with every size that is seen and every order that is given told on: whoever wants to know
/// whether somebody else moves them has to know all of ours.
/// Thread: loop thread. Outlives the backend, which answers.
class WatchedBalloons final : public OsBalloons {
public:
    using OnSize = std::function<void(const GuestId& guest, Bytes size)>;
    WatchedBalloons(OsBalloons& balloons, OnSize on_seen, OnSize on_order)
        : balloons_(balloons), on_seen_(std::move(on_seen)), on_order_(std::move(on_order)) {}

    void look(const GuestId& guest, std::function<void(Result<OsBalloon>)> answer) override {
        balloons_.look(guest, [this, guest, answer = std::move(answer)](Result<OsBalloon> seen) {
            if (seen) on_seen_(guest, seen->actual);
            answer(std::move(seen));
        });
    }
    void set_target(const GuestId& guest, Bytes actual, std::function<void(Status)> answer) override {
        on_order_(guest, actual);
        balloons_.set_target(guest, actual, std::move(answer));
    }

private:
    OsBalloons& balloons_;
    OnSize on_seen_;
    OnSize on_order_;
};

}  // namespace aerostat::host::app
