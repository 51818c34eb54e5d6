#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "application-balloon/contract/wire.h"
#include "host-controller/backend/backend.h"

namespace aerostat::host::act {

struct ApplicationBalloonPorts {
    OsBalloons& virtio;
    const Clock& clock;
    /// Whether an operator wants it for this guest.
    std::function<bool(const GuestId&)> is_on;
    /// The guest's RAM, where a balloon without a driver could take it; absent: it could not.
    std::function<std::optional<Bytes>(const GuestId&)> ram_of;
    /// Why nothing may be taken from this guest now; empty: it may.
    std::function<std::string(const GuestId&)> why_frozen;
    /// A line for its aerostat-balloon. False: the guest cannot be reached.
    std::function<bool(const GuestId&, const std::string& line)> tell;
    /// To aerostat-punch; answered once, never from inside the call. Fails as LineCaller::call, `bad_value`.
    std::function<void(const balloon::PunchOrder&, std::function<void(Result<balloon::PunchAnswer>)>)> punch;
    std::function<void(Duration, std::function<void()>)> later;
    /// What guests that it was switched off for may get back now; nothing in mode advise.
    std::function<Bytes()> free;
};

/// The OS balloons of guests some of which have their memory taken by the application balloon instead of virtio-balloon. To
/// who moves them they look alike: what it holds is missing in `actual`, as if a driver had taken it.
///
/// A target is come to in batches: the guest's end takes pieces and tells their frames, aerostat-punch takes these from the
/// host's side, the guest's end learns which. A new target counts from the next of these steps on: pieces that are not taken
/// by then go back to the guest. What a virtio-balloon holds from before is given back by it, and none is taken by it. One
/// exchange a guest at a time, each with a deadline; only for a guest in need pieces go back beside it. An answer to another
/// question is dropped. Thread: loop thread.
class ApplicationBalloons final : public OsBalloons {
public:
    explicit ApplicationBalloons(ApplicationBalloonPorts ports) : ports_(std::move(ports)) {}
    ~ApplicationBalloons() override { *alive_ = false; }
    ApplicationBalloons(const ApplicationBalloons&) = delete;
    ApplicationBalloons& operator=(const ApplicationBalloons&) = delete;

    void look(const GuestId& guest, std::function<void(Result<OsBalloon>)> answer) override;
    void set_target(const GuestId& guest, Bytes actual, std::function<void(Status)> answer) override;

    /// What a guest passes on from its aerostat-balloon.
    void heard(const GuestId& guest, std::string_view line);
    /// Its link is new or lost: what was asked there is answered by nobody, what is held is not known until it is told.
    void link_changed(const GuestId& guest);
    void forget(const GuestId& guest);
    /// What a guest has by a figure of the hypervisor's, which knows nothing of this balloon. Absent: nobody knows.
    [[nodiscard]] std::optional<Bytes> less_held(const GuestId& guest, Bytes actual) const;
    /// Its processors are stopped by aerostat-punch on our order, or were until just now: libvirt's word that it is
    /// suspended, or runs again, comes at its own time.
    [[nodiscard]] bool is_stopped_by_us(const GuestId& guest) const;
    /// For people: how it stands with this guest. Not empty only where it does not work.
    [[nodiscard]] std::string trouble(const GuestId& guest) const;
    [[nodiscard]] std::uint64_t malformed_lines() const { return malformed_; }

private:
    using Heard = std::function<void(Result<balloon::BalloonAnswer>)>;
    struct Guest {
        bool was_on = false;                  ///< an operator wanted it for this guest since we began
        std::optional<balloon::State> state;  ///< of its aerostat-balloon, as last told; `held` is kept up to date
        Error trouble{ErrorCode::disconnected,
                      "its guestd has not told of its aerostat-balloon yet"};  ///< while there is no state
        std::optional<std::uint32_t> wanted;                                   ///< pieces to be held; absent: as it is
        std::optional<Error> stopped;                                          ///< why the last target was not come to
        std::uint64_t exchange = 0;                ///< under way; 0: none. Ends with its own last answer
        std::optional<TimePoint> punched_until{};  ///< the end of the last stop; of one that lasts: the end of time
        std::uint32_t held_before = 0;             ///< while there is no state for a lost link: what it held before
        std::optional<TimePoint> untold_since{};   ///< first looked at on this link, with nothing told by it
        balloon::RequestId relief = 0;             ///< pieces it is to give back beside the exchange
        bool gives = false;                        ///< it gives back
        balloon::RequestId waits_for = 0;
        Heard on_answer;
        std::optional<Bytes> virtio;  ///< what virtio-balloon leaves it, as last seen
    };
    void looked(const GuestId& id, OsBalloon seen, const std::function<void(Result<OsBalloon>)>& answer);
    void advance(const GuestId& id);
    void inflate(const GuestId& id, std::uint32_t pieces);
    void punch(const GuestId& id, const balloon::Frames& told);
    void punched(const GuestId& id, std::size_t told, const Result<balloon::PunchAnswer>& answer);
    void settle(const GuestId& id, balloon::Frames taken, std::optional<Error> why);
    void deflate(const GuestId& id, std::uint32_t pieces);
    [[nodiscard]] bool is_yet_to_tell(Guest& guest) const;
    void relieve(const GuestId& id);
    void relieved(const GuestId& id, Bytes back);
    void hand_back(const GuestId& id);
    void ask(const GuestId& id, balloon::BalloonRequest request, Heard heard);
    void answered(const GuestId& id, Result<balloon::BalloonAnswer> answer);
    void take_state(const GuestId& id, Guest& guest, const balloon::State& state);
    void stop(const GuestId& id, Error why);
    [[nodiscard]] bool is_used(const GuestId& id) const;
    [[nodiscard]] Guest* find(const GuestId& id);

    ApplicationBalloonPorts ports_;
    std::map<GuestId, Guest> guests_;
    balloon::RequestId next_id_ = 1;
    std::uint64_t next_exchange_ = 1;
    std::uint64_t malformed_ = 0;
    std::optional<TimePoint> handed_back_at_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::host::act
