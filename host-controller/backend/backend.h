#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "contract/clock.h"
#include "contract/control.h"
#include "contract/error.h"
#include "contract/messages.h"
#include "host-controller/decide/model.h"

// The world the guests live in, as the daemon needs it: processes of this machine, or virtual machines under libvirt.
namespace aerostat::host {

/// A container's memory by the kernel's own books.
struct ContainerBooks {
    Bytes holds;  ///< all that is charged to its cgroup
    Bytes cache;  ///< of it, page cache that no process has mapped: in no process's PSS
};

/// How closely a guest is measured.
enum class Look {
    glance,   ///< what is known of late may stand for what has hardly changed
    closely,  ///< all of it anew
};

/// What the host sees of a guest from outside.
struct GuestResidency {
    Bytes charged;               ///< resident: PSS of its processes, or the guest-RAM mapping of its QEMU
    std::size_t processes = 0;   ///< living ones; 0: the guest is gone
    std::size_t unreadable = 0;  ///< of these, not ours to look into: their memory is missing in `charged`
    std::optional<ContainerBooks> container{};
};

/// A virtual machine's OS balloon, as the hypervisor knows it.
struct OsBalloon {
    Bytes maximum;                ///< the guest's RAM
    Bytes actual;                 ///< of it, not in the balloon
    std::optional<Bytes> usable;  ///< what the guest can spare without swapping (its MemAvailable), when last heard
    Duration usable_age{};
    bool autodeflate = false;        ///< the guest takes pages back out of the balloon before it kills for want of memory
    Bytes grain{};                   ///< it moves in pieces of this; zero: as it likes
    bool is_working = false;         ///< an order is being carried out, though `actual` may not show it yet
    std::optional<Error> stopped{};  ///< why the last order is not carried out to its end, and will not be
};

/// The OS balloons of a backend's guests. Every call answers once, from the loop, within its own deadline.
/// Thread: loop thread.
class OsBalloons {
public:
    virtual ~OsBalloons() = default;
    /// Fails: `unsupported` (this guest has no balloon we may move), `not_found`, `timed_out`, `io`.
    virtual void look(const GuestId& guest, std::function<void(Result<OsBalloon>)> answer) = 0;
    /// Tells the guest's driver to make `actual` this. Answered when the hypervisor has taken the order, not when it is
    /// carried out. Fails: as look, `bad_value` (above the maximum).
    virtual void set_target(const GuestId& guest, Bytes actual, std::function<void(Status)> answer) = 0;
};

/// What a backend says of a guest without being asked.
struct GuestEvent {
    enum class Kind {
        life,           ///< it came, went, was suspended, moves elsewhere, …: `words`
        rebooted,       ///< its OS balloon's driver starts anew: `words`
        appeared,       ///< a run of it begins, or is seen first; its definition leaves it `actual`
        refitted,       ///< its devices or its RAM changed, and with them what its OS balloon can be: `words`
        balloon,        ///< its OS balloon has come to `actual`
        memory_failed,  ///< an uncorrectable error in its memory: `words`
    };
    Kind kind = Kind::life;
    std::string words{};  ///< for logs: "suspended"
    Bytes actual{};
};

/// Where guests come from, how they are spoken to and measured.
/// Thread: loop thread owns it; what is slow or may hang runs elsewhere and posts its result back. Handlers are never called
/// from inside send().
class Backend {
public:
    struct Handlers {
        /// A guest is there, though it has not spoken (yet): it is charged for what it holds.
        std::function<void(const GuestId& guest, const std::string& name)> on_seen;
        /// A guest wants in; the answer is the name it goes by, or why not. `said_name` is what it goes by if that is free;
        /// `number` tells it from a namesake.
        std::function<Result<std::string>(const GuestId& guest, const std::string& said_name, std::uint64_t number)> on_join;
        /// After its welcome was sent.
        std::function<void(const GuestId& guest)> on_joined;
        std::function<void(const GuestId& guest, Message message)> on_message;
        std::function<void(const GuestId& guest, const Error& why)> on_lost;
        std::function<void(const std::string& sentence)> on_refused;
        std::function<void(const GuestId& guest, const GuestEvent& event)> on_event{};
        /// Whether this guest's memory is taken without its virtio-balloon. Empty: no guest's is.
        std::function<bool(const std::string& name)> needs_no_driver{};
        /// Whether a guest that is suspended is so by an order of ours, which ends by itself. Empty: none is.
        std::function<bool(const GuestId& guest)> is_stopped_by_us{};
    };
    virtual ~Backend() = default;

    [[nodiscard]] virtual Status open(Handlers handlers) = 0;
    /// False if the guest is not connected (or was cut off by this). `message` gets the guest's session where it has one.
    virtual bool send(const GuestId& guest, Message message) = 0;
    /// Answers once, from the loop. A guest that is gone is no error: it has no processes.
    virtual void measure(const GuestId& guest, std::function<void(Result<GuestResidency>)> answer) = 0;
    /// The same for what is looked at all the time: cheaper where a backend knows how, and then a little less exact.
    virtual void glance(const GuestId& guest, std::function<void(Result<GuestResidency>)> answer) {
        measure(guest, std::move(answer));
    }
    /// A measurement of this guest is under way: asking again would only queue.
    [[nodiscard]] virtual bool is_measuring(const GuestId& guest) const = 0;
    /// Whether `guest` can be one of this backend's: what a restart remembers may be another's.
    [[nodiscard]] virtual bool knows_identity(const GuestId& guest) const = 0;
    /// Whether a guest that ends is the same, to operators, when it comes again under this identity.
    [[nodiscard]] virtual bool comes_again(const GuestId&) const { return false; }
    /// The most that this guest can hold, by what it is made of; absent: nothing bounds it here.
    [[nodiscard]] virtual std::optional<Bytes> most_of(const GuestId&) const { return std::nullopt; }
    /// Why this guest must not be ordered about now, for what it is made of or for what is happening to it; empty: it may.
    [[nodiscard]] virtual std::string why_left_alone(const GuestId&) const { return {}; }
    /// While quiet, no call is made that could wait for a guest which is just being started: no listing, no lookup.
    /// Except for the first listing: until that has come nobody knows who holds what.
    virtual void keep_quiet(bool) {}
    /// Whether all guests that there were at some moment since open() have been told of.
    [[nodiscard]] virtual bool has_listed() const { return true; }
    /// Whether a guest may be there that has not been told of yet.
    [[nodiscard]] virtual bool owes_listing() const { return false; }
    /// A guest's RAM, where it could be taken without a driver of the guest's; absent: it could not, or is not known.
    [[nodiscard]] virtual std::optional<Bytes> takeable_ram(const GuestId&) const { return std::nullopt; }
    /// Absent: guests have no OS balloon here.
    [[nodiscard]] virtual OsBalloons* os_balloons() { return nullptr; }
    /// "local", "libvirt".
    [[nodiscard]] virtual std::string name() const = 0;
    /// Everything that has to be right here, with what is and what is not; of guests only those that `managed` names.
    [[nodiscard]] virtual std::vector<Finding> examine(const std::function<bool(const std::string&)>&) const { return {}; }
    /// What is degraded, for people.
    [[nodiscard]] virtual std::vector<std::string> warnings() const { return {}; }
    [[nodiscard]] virtual std::uint64_t malformed_lines() const = 0;
    [[nodiscard]] virtual std::uint64_t peers_cut_off() const = 0;
};

}  // namespace aerostat::host
