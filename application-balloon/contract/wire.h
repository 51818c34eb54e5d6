#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "application-balloon/contract/frames.h"
#include "application-balloon/contract/secret.h"
#include "contract/clock.h"

// What the two small processes are told and answer: lines of words, far simpler than the daemons' JSON, for both have rights
// that a parser should not have. Every request has a number, every answer repeats it; one answer a request; those that are
// about one guest come in order.
namespace aerostat::balloon {

using RequestId = std::uint32_t;

// guestd to aerostat-balloon.

/// "state ID": what is held.
struct AskState {
    RequestId id = 0;
    bool operator==(const AskState&) const = default;
};
/// "inflate ID PIECES": hold more. Answered by Told; refused while told frames are not settled.
struct Inflate {
    RequestId id = 0;
    std::uint32_t pieces = 0;
    bool operator==(const Inflate&) const = default;
};
/// "settle ID FRAME…": the host has taken these; all others told since are given back to the guest.
struct Settle {
    RequestId id = 0;
    Frames taken;
    bool operator==(const Settle&) const = default;
};
/// "deflate ID PIECES": give so many back to the guest.
struct Deflate {
    RequestId id = 0;
    std::uint32_t pieces = 0;
    bool operator==(const Deflate&) const = default;
};
using BalloonRequest = std::variant<AskState, Inflate, Settle, Deflate>;

/// "state ID METHOD SECRET HELD UNSETTLED", sizes in pieces. METHOD: huge-pages, pinned, none.
struct State {
    RequestId id = 0;
    std::string method;
    Secret secret;
    std::uint32_t held = 0;       ///< unsettled ones not counted
    std::uint32_t unsettled = 0;  ///< told, not settled
    bool operator==(const State&) const = default;
};
/// "told ID FRAME…": held since now, with the pattern in them.
struct Told {
    RequestId id = 0;
    Frames frames;
    bool operator==(const Told&) const = default;
};
/// "done ID PIECES": so many went back to the guest.
struct Done {
    RequestId id = 0;
    std::uint32_t pieces = 0;
    bool operator==(const Done&) const = default;
};
/// "released PIECES", unasked: the guest began to stall, and everything went back to it.
struct Released {
    std::uint32_t pieces = 0;
    bool operator==(const Released&) const = default;
};
/// "refused ID CODE WORDS…". CODE as ErrorCode is called on the wire.
struct Refused {
    RequestId id = 0;
    ErrorCode code = ErrorCode::refused;
    std::string why;
    bool operator==(const Refused&) const = default;
};
using BalloonAnswer = std::variant<State, Told, Done, Released, Refused>;

// hostd to aerostat-punch.

/// "punch ID UNTIL DOMAIN SECRET FRAME…": take what of these carries the pattern. UNTIL: after that nothing is taken, and no
/// guest is stopped, any more; by this machine's monotonic clock, in whole milliseconds. DOMAIN is libvirt's UUID.
struct PunchOrder {
    RequestId id = 0;
    TimePoint until;
    std::string domain;
    Secret secret;
    Frames frames;
    bool operator==(const PunchOrder&) const = default;
};
/// "look ID DOMAIN": whether this domain's memory could be taken at all; answered by an empty Punched, or Refused.
struct Look {
    RequestId id = 0;
    std::string domain;
    bool operator==(const Look&) const = default;
};
using PunchRequest = std::variant<PunchOrder, Look>;

/// "punched ID FREED CHECKED WRONG OUTSIDE PAUSED_US FRAME…": which frames were taken.
struct Punched {
    RequestId id = 0;
    Bytes freed;                ///< by which the file behind the guest's RAM has become smaller
    Bytes checked;              ///< read and compared
    std::uint32_t wrong = 0;    ///< pages without the pattern; the frames they are in were left alone
    std::uint32_t outside = 0;  ///< frames that are not wholly RAM of this guest; left alone
    Duration paused{};          ///< the guest's processors stood still, in whole microseconds
    Frames taken;
    bool operator==(const Punched&) const = default;
};
using PunchAnswer = std::variant<Punched, Refused>;

/// Whether it is written as libvirt writes UUIDs.
[[nodiscard]] bool is_domain(std::string_view word);

/// Total: any text gives a value within the limits, or `bad_value`. A line has no newline.
[[nodiscard]] Result<BalloonRequest> parse_balloon_request(std::string_view line);
[[nodiscard]] Result<BalloonAnswer> parse_balloon_answer(std::string_view line);
[[nodiscard]] Result<PunchRequest> parse_punch_request(std::string_view line);
[[nodiscard]] Result<PunchAnswer> parse_punch_answer(std::string_view line);

/// The line, with its newline. Values are within their limits.
[[nodiscard]] std::string line_of(const BalloonRequest& request);
[[nodiscard]] std::string line_of(const BalloonAnswer& answer);
[[nodiscard]] std::string line_of(const PunchRequest& request);
[[nodiscard]] std::string line_of(const PunchAnswer& answer);

}  // namespace aerostat::balloon
