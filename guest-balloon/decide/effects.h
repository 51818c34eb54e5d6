#pragma once

#include <string>
#include <variant>
#include <vector>

#include "contract/messages.h"
#include "guest-balloon/decide/process_identity.h"

// What a decision wants done. Decisions only append to a list of these; app, act and link carry them out.
namespace aerostat::guest {

struct OrderAgent {
    ConnectionId to = 0;
    SetHeapTarget order;  ///< session and remaining deadline filled in
};

struct CancelAgent {
    ConnectionId to = 0;
    Cancel cancel;
};

/// Close a connection that a newer one has replaced.
struct DropConnection {
    ConnectionId connection = 0;
    std::string why;
};

enum class Moment { before, after };

/// Measure the process's PSS and call GuestState::measured() with the answer, whatever it is.
struct Measure {
    std::string op;
    std::string jvm;
    ProcessIdentity process;
    Moment moment = Moment::before;
};

/// Ask applications for what it is best that they give before the container is brought to `target`, and call
/// GuestState::applications_gave() when they have.
struct AskApplications {
    std::string op;
    Bytes target;
    Duration within{};
};

/// Bring the OS layer's balloon to this and call GuestState::os_moved(), in time for the deadline whatever comes of it.
struct MoveOs {
    std::string op;
    Bytes target;  ///< for the container to hold
    Duration within{};
    OnShortfall on_shortfall = OnShortfall::keep;
};

/// End it where it stands; os_moved() follows.
struct CancelOs {
    std::string op;
    OnShortfall rest = OnShortfall::keep;
};

/// The operation's final view can be had from the order book now.
struct OperationEnded {
    std::string op;
};

/// To the host, at once.
struct ForwardPressure {
    Pressure pressure;
};

using Effect = std::variant<OrderAgent, CancelAgent, DropConnection, Measure, AskApplications, MoveOs, CancelOs,
                            OperationEnded, ForwardPressure>;
using Effects = std::vector<Effect>;

}  // namespace aerostat::guest
