#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host-controller/decide/plan.h"
#include "host-controller/sim/layer_models.h"

namespace aerostat::host::sim {

/// One simulated guest: its layers as they really are, and what it says of them. Same scenario and orders, same guest.
class Guest {
public:
    Guest(const GuestGroup& group, std::uint32_t index, std::uint64_t seed, double noise);

    /// Moves it on to `at` (since midnight), by one step. True: it has just gone, and is to be forgotten.
    bool advance(Duration at, Duration step);
    /// A host without a Java balloon has sized this heap once and for all.
    void fix_ceiling(const std::string& layer, Bytes ceiling);
    void take(const LayerOrder& order);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const GuestId& id() const { return id_; }
    /// Its processes exist: it holds memory.
    [[nodiscard]] bool here() const { return here_; }
    [[nodiscard]] GuestSeen seen() const;
    [[nodiscard]] Bytes resident() const;
    [[nodiscard]] Bytes fixed() const { return group_.fixed; }
    /// CPU seconds lost a second for want of memory.
    [[nodiscard]] double cost() const;
    [[nodiscard]] double load() const { return load_; }
    [[nodiscard]] Nature nature() const { return group_.nature; }
    /// Its nature shows now.
    [[nodiscard]] bool odd() const { return odd_; }
    /// Nullptr: no such layer.
    [[nodiscard]] const Layer* layer(const std::string& name) const;
    /// The heap as it is at full load: what an operator would size it by.
    [[nodiscard]] GuestSeen seen_at_full_load() const;

private:
    struct Phase {
        bool odd = false;  ///< its nature shows
        Duration since{};  ///< for so long
    };
    [[nodiscard]] Phase phase(Duration at) const;
    /// True: it has just gone.
    bool come_and_go(Duration at);
    void start_anew();
    void refresh_curves(Duration at, bool odd);

    const GuestGroup& group_;
    std::uint32_t index_;
    std::uint64_t seed_;
    double noise_;
    std::string name_;
    GuestId id_;
    unsigned generation_ = 0;
    bool here_ = true;
    bool connected_ = true;
    bool hands_off_ = false;
    bool odd_ = false;
    double load_ = 0;
    std::optional<Duration> began_;  ///< when it was first there
    Duration age_{};
    Layer heap_;
    Layer cache_;
};

}  // namespace aerostat::host::sim
