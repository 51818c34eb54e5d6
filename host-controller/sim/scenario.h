#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host-controller/decide/rules.h"

// What is simulated: a host, its rules, and groups of guests with models of their programs. Plain values.
namespace aerostat::host::sim {

/// How a guest behaves towards the host.
enum class Nature {
    ideal,      ///< does at once what it is told
    slow,       ///< gives 20 MiB a second
    stuck,      ///< gives nothing
    firm,       ///< cannot go as low as it says: it keeps 200 MiB beyond its floor, and says so when it is asked
    lying,      ///< says that its memory is worth fifty times what it is
    dying,      ///< its daemon falls silent; 30 s later its memory is gone; it comes back as a new guest
    migrating,  ///< wants to be left alone for a minute, then is gone; it comes back as a new guest
};

enum class LoadShape { constant, day_night, bursts };

/// The load of a guest's programs over time, from `idle` to `level` (1 is all that the models below say).
struct LoadModel {
    LoadShape shape = LoadShape::constant;
    double level = 1;
    double idle = 0.02;
    Duration period = std::chrono::hours(24);  ///< of a day; a burst lasts so long
    double spread = 0;                         ///< the guests of a group are shifted over this share of the period
    double share = 0.1;                        ///< bursts: of the time
};

/// A Java heap. Its garbage collection costs K / (heap - live) CPU seconds a second, K = live x allocation / collection
/// speed.
struct HeapModel {
    Bytes live{256ULL << 20};       ///< alive at full load
    Bytes live_idle{128ULL << 20};  ///< and without any
    Bytes max{2ULL << 30};          ///< -Xmx
    Bytes allocates{100ULL << 20};  ///< a second at full load
    Bytes collects{2ULL << 30};     ///< live bytes that a CPU second of collection goes through
    Bytes loads{64ULL << 30};       ///< a second: what is alive grows no faster when the load comes
};

/// A page cache. Its refaults cost reads x (1 - cache / working set)^2 x the time a byte takes.
struct CacheModel {
    Bytes working_set{1ULL << 30};
    Bytes reads{50ULL << 20};    ///< a second at full load
    double seconds_a_gib = 2.0;  ///< that programs wait for 1 GiB from the disk
};

struct GuestGroup {
    std::string name;  ///< guests are NAME-1, NAME-2 …
    std::uint32_t count = 1;
    Nature nature = Nature::ideal;
    Duration from{};                ///< its nature shows from here on (ideal before),
    std::optional<Duration> lasts;  ///< for so long (absent: for good; dying and migrating: ten minutes),
    std::optional<Duration> every;  ///< again after so long (absent: once)
    LoadModel load;
    Bytes fixed{150ULL << 20};  ///< outside its layers
    std::optional<HeapModel> heap;
    std::optional<CacheModel> cache;
};

struct Scenario {
    std::string name;
    Duration length = std::chrono::hours(24);
    Duration tick = std::chrono::seconds(1);
    std::uint64_t seed = 1;
    double noise = 0.1;  ///< reported costs are off by up to this share
    HostRules rules;     ///< its policy is set for each run
    std::vector<GuestGroup> groups;
};

/// A scenario's clock starts here; its time of day begins at midnight.
inline constexpr TimePoint kMidnight{std::chrono::hours(24)};

}  // namespace aerostat::host::sim
