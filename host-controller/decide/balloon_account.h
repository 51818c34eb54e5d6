#pragma once

#include <map>
#include <string>
#include <vector>

#include "contract/messages.h"
#include "host-controller/decide/model.h"
#include "host-controller/decide/plan.h"

namespace aerostat::host {

/// What one order means for a guest's OS balloon.
struct BalloonShare {
    Bytes give;          ///< to be given before the heaps may grow
    bool takes = false;  ///< once the heaps have given, the balloon takes
    Bytes keeps;         ///< of what the heaps give, what stays in the guest for other heaps
};

/// Whether the outcome says anything of the heap: not of one whose agent was away, or that was left alone.
[[nodiscard]] bool shows_the_heap(const JvmOutcome& outcome);
/// An order's target, or what an operator's squeeze came to when the heap held less than was known.
[[nodiscard]] Bytes told_to_come_to(const LayerOrder& order, const JvmOutcome& outcome);

/// Why the OS balloon must not follow these orders; empty: it may. Pages that a heap could fill again at any moment, because
/// nothing holds it at its target, stay in its guest.
[[nodiscard]] std::string why_balloon_stays(const GuestSeen& guest, const std::vector<LayerOrder>& layers);

/// What an order for the OS layer of a virtual machine means for its balloon, beyond what heaps give or are to have.
struct OsLayerShare {
    Bytes takes;
    Bytes gives;
};
/// `actual`: what the balloon leaves the guest. Room that heaps may fill by their targets is not the OS layer's.
[[nodiscard]] OsLayerShare os_layer_share(const GuestSeen& guest, Bytes actual, const LayerOrder& os);

/// For which size of each heap a guest's OS balloon leaves room, so that the balloon follows targets and not what a heap
/// does between them. Else it would ratchet: a heap that grows past its target and is pushed back gives the same pages
/// twice. A heap of which nothing is known (the balloon was empty, or moved by an earlier run of the daemon) counts as the
/// order finds it. Plain values, no I/O.
class BalloonAccount {
public:
    [[nodiscard]] BalloonShare share(const GuestId& guest, const std::vector<LayerOrder>& layers) const;
    /// What the balloon may take now that the order's heaps have ended where they have: never what they did not give, now or
    /// when the balloon gave it to them.
    [[nodiscard]] Bytes due(const GuestId& guest, const std::vector<LayerOrder>& layers,
                            const std::vector<JvmOutcome>& ended) const;

    /// The balloon took `moved` after the heaps had ended so.
    void took(const GuestId& guest, const std::vector<LayerOrder>& layers, const std::vector<JvmOutcome>& ended,
              Bytes moved);
    /// The balloon gave `moved` for these orders.
    void gave(const GuestId& guest, const std::vector<LayerOrder>& layers, Bytes moved);
    /// It gave out of turn, to a heap in need.
    void helped(const LayerKey& heap, Bytes moved);
    /// It is empty, or the guest is gone.
    void forget(const GuestId& guest);

private:
    struct Part {
        LayerKey heap;
        Bytes room;  ///< before
        Bytes amount;
    };
    [[nodiscard]] std::vector<Part> parts(const GuestId& guest, const std::vector<LayerOrder>& layers,
                                          const std::vector<JvmOutcome>& ended) const;
    [[nodiscard]] Bytes room_for(const LayerKey& heap, Bytes otherwise) const;

    std::map<LayerKey, Bytes> rooms_;
};

}  // namespace aerostat::host
