#pragma once

#include <optional>
#include <string>

#include "contract/condition_page.h"
#include "contract/messages.h"

namespace aerostat::agent {

/// What a program can read of the balloon of its own JVM.
struct BalloonView {
    HeapBalloonSize balloon;
    Bytes verified;
    std::uint64_t refills = 0, cleared = 0;
    Bytes floor;
    HeapFootprint footprint;
    std::optional<HeapTarget> target;
    std::string collector;
    std::string distress;
    OperationResult last;  ///< the last operation that ended; without an id: none has
};

/// One thing the balloon did, for flight recordings.
struct BalloonEvent {
    enum class Kind { inflate, deflate, refill, guard };  ///< the order that Flight.java knows
    Kind kind = Kind::inflate;
    Bytes bytes;
    HeapBalloonSize after;
    std::string cause;
};

/// Port to the program that runs in this JVM: what it may see of its balloon, and its switch.
/// Thread: agent thread.
class ProgramPort {
public:
    virtual ~ProgramPort() = default;
    /// From now on the program can see the balloon. It costs some MiB of Java classes. Fails: `unsupported`.
    virtual Status offer(const BalloonView& view) = 0;
    [[nodiscard]] virtual bool is_offered() const = 0;
    /// Cheap: allocates nothing in the heap and runs no Java code. Nothing without an offer.
    /// Fails: `unsupported`, once, if the offer could not be made after all.
    virtual Status publish(const BalloonView& view) = 0;
    /// The guest's memory condition beside it; absent: nobody says. As cheap.
    virtual void publish_condition(const std::optional<ConditionState>& state) = 0;
    /// The program, or an operator through it, wants no balloon. Cheap.
    [[nodiscard]] virtual bool is_switched_off() = 0;
    /// Nothing, and next to no cost, without a recording. Fails: `unsupported`, once.
    virtual Status record(const BalloonEvent& event) = 0;
    virtual Status record_condition(const std::optional<ConditionState>& state) = 0;
};

}  // namespace aerostat::agent
