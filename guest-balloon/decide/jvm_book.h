#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "contract/messages.h"
#include "guest-balloon/decide/process_identity.h"

namespace aerostat::guest {

/// What holds a JVM's heap down at present.
struct Restraint {
    std::optional<HeapTarget> target;  ///< the order in force at its agent; absent: unrestrained
    std::optional<Bytes> ceiling;      ///< an operator's squeeze: orders from the host stay below it
    bool rebuilt = false;              ///< the ceiling was learned from the agent, not ordered in this daemon's life
    std::optional<TimePoint> until;    ///< --hold: falls away then
};

/// One JVM of this guest, connected or lost from sight for a moment.
struct Jvm {
    std::string name;    ///< as assigned
    std::string wished;  ///< as its agent introduced itself
    ProcessIdentity process;
    std::optional<ConnectionId> connection;  ///< absent: its agent is not connected
    std::string session;
    JvmFacts facts;
    TimePoint heard_at;               ///< its agent's last message
    std::optional<JvmReport> report;  ///< made sane; absent until the first
    TimePoint reported_at;
    Restraint restraint;
    std::optional<Bytes> pss;  ///< by our own instrument
    TimePoint pss_at;
    std::string blind;  ///< why its PSS cannot be measured, or empty
    std::optional<Pressure> last_pressure;
    TimePoint pressure_at;

    [[nodiscard]] Bytes heap_ceiling() const;  ///< a target here or above lifts all restraint
};

struct AgentLimits {
    std::size_t agents = WireLimits::kJvms;
    std::size_t agents_per_uid = 24;  ///< so that one user's JVMs leave places to others; root is exempt
};

/// The JVMs by name. A process keeps its name over reconnects; a name goes to another process only when its holder is dead.
/// Thread: owner's. Size: at most limits.agents connected and kMostLost disconnected ones.
class JvmBook {
public:
    static constexpr std::size_t kMostLost = 64;

    struct Admission {
        std::string name;
        bool returned = false;                 ///< the same process as before: its restraint is known
        std::optional<ConnectionId> replaced;  ///< an older connection of the same process
        std::vector<Jvm> dead;                 ///< holders of the name that turned out to be dead
    };

    /// Fails: `denied` (a process that cannot be identified), `busy` (no place left; the message says whose limit).
    [[nodiscard]] Result<Admission> admit(ConnectionId connection, const ProcessIdentity& process, const Hello& hello,
                                          const AgentLimits& limits, const IsAlive& is_alive, TimePoint now);
    /// The connection has ended. Returns the JVM it was, if any.
    Jvm* lost(ConnectionId connection);
    /// Forgets the disconnected JVMs whose process has ended; returns their names.
    std::vector<std::string> forget_dead(const IsAlive& is_alive);

    [[nodiscard]] Jvm* find(const std::string& name);
    [[nodiscard]] const Jvm* find(const std::string& name) const;
    [[nodiscard]] Jvm* find(ConnectionId connection);
    [[nodiscard]] std::vector<const Jvm*> connected() const;
    [[nodiscard]] std::vector<const Jvm*> disconnected() const;
    /// "a, b, c": the connected ones, for people; "none" if there are none.
    [[nodiscard]] std::string known_names() const;
    void for_each(const std::function<void(Jvm&)>& visit);

private:
    Jvm* find(const ProcessIdentity& process);
    [[nodiscard]] Status check_room(const ProcessIdentity& process, const AgentLimits& limits) const;
    std::string claim_name(const std::string& wished, const ProcessIdentity& process, const IsAlive& is_alive,
                           std::vector<Jvm>& dead);
    bool free_if_dead(const std::string& name, const IsAlive& is_alive, std::vector<Jvm>& dead);
    void bound_lost();

    std::map<std::string, Jvm> jvms_;
};

/// The part of an introduced name before any `~`, which only we append; never empty.
[[nodiscard]] std::string base_name(const std::string& introduced);
/// "NAME~PID", with NAME cut so that the whole is a valid name.
[[nodiscard]] std::string name_with_pid(const std::string& name, pid_t pid);

}  // namespace aerostat::guest
