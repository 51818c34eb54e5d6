#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host-controller/sim/guest.h"

namespace aerostat::host::sim {

/// What must never happen, whatever the policy and the guests.
enum class Invariant {
    capacity,    ///< guests hold more than the budget
    booking,     ///< raises were ordered out of memory that was not free
    minimum,     ///< a guest was ordered below its min, or a layer below its floor
    starvation,  ///< a layer lacked what it cannot do without, for a minute or longer
    swinging,    ///< down, up and down again within five minutes, though nothing had happened on the host
    pestering,   ///< a layer was ordered down four times within a minute, and gave nothing
};
inline constexpr std::size_t kInvariants = 6;
[[nodiscard]] const char* to_string(Invariant invariant);

struct Violation {
    std::uint64_t times = 0;
    std::string first;  ///< when, who, how much
};
using Violations = std::array<Violation, kInvariants>;

/// Looks at every tick. Knows nothing of how decisions are made: only orders, and guests as they really are.
class Watch {
public:
    explicit Watch(const HostRules& rules) : rules_(rules) {}

    /// Before the plan's orders are carried out.
    void look(const HostPlan& plan, const std::vector<Guest>& guests, TimePoint now);
    [[nodiscard]] const Violations& violations() const { return violations_; }

private:
    struct Course {
        int direction = 0;      ///< of the last order
        TimePoint turned_down;  ///< when it last began to shrink
        TimePoint turned_up;
        double load_then = 0;
        std::optional<Bytes> told_with;     ///< what it held at the last order that wanted less
        std::vector<TimePoint> vain_since;  ///< orders that brought nothing, of the last minute
    };
    void note(Invariant which, TimePoint now, const std::string& what);
    void check_capacity(const std::vector<Guest>& guests, TimePoint now);
    void check_booking(const HostPlan& plan, Bytes raised, bool urgent, TimePoint now);
    void check_order(const GuestOrder& order, const Guest& guest, const GuestPlan& planned, TimePoint now);
    void check_course(const LayerOrder& order, const Guest& guest, TimePoint now);
    void check_pestering(Course& course, const LayerOrder& order, const Guest& guest, TimePoint now);
    void note_events(const std::vector<Guest>& guests, TimePoint now);
    void check_starvation(const Guest& guest, TimePoint now);

    const HostRules& rules_;
    Violations violations_;
    std::map<LayerKey, Course> courses_;
    std::map<GuestId, TimePoint> hungry_;  ///< since when
    struct Sight {
        bool here = true;
        bool odd = false;
        double load = 0;
    };
    std::vector<Sight> sights_;
    TimePoint last_event_;  ///< somebody came, went, burst out or fell silent
};

}  // namespace aerostat::host::sim
