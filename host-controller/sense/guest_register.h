#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "contract/messages.h"
#include "host-controller/backend/backend.h"
#include "host-controller/decide/model.h"

namespace aerostat::host::sense {

/// What is known of one guest: what it says, and what is measured of it.
/// When a JVM was reported.
struct Sighting {
    TimePoint first;
    TimePoint last;
};

struct GuestRecord {
    std::string said_name;
    std::string name;
    bool connected = false;
    std::optional<GuestReport> report;
    TimePoint report_at;
    std::optional<Bytes> charged;  ///< the last measurement of its processes; absent: not measured yet
    std::optional<ContainerBooks> container;
    TimePoint measured_at;
    std::size_t unreadable = 0;        ///< of its processes: we may not look into them
    std::optional<OsBalloon> balloon;  ///< a virtual machine's, as of the last look
    bool os_bound = false;             ///< the balloon holds the guest's OS down, as of the last look
    std::deque<Bytes> fixed_samples;   ///< charged less footprints, at moments when both were fresh
    std::map<std::string, Sighting> jvms;
};

/// The guests of this host, and the picture of them that decisions are made from.
/// Thread: loop thread. Takes the time as an argument; does no I/O.
class GuestRegister {
public:
    static constexpr std::size_t kMostGuests = 1'024;

    /// A guest joins, or joins again. The name it goes by: its own, or NAME~NUMBER when another guest goes by that.
    /// Fails: `refused` (too many guests), `bad_value` (the name).
    [[nodiscard]] Result<std::string> join(const GuestId& id, const std::string& said_name, std::uint64_t number,
                                           TimePoint now);
    /// A guest that is known without having joined, from before a restart or by its hypervisor: charged until it is gone.
    void remember(const GuestId& id, const std::string& name);

    void lose(const GuestId& id);
    void take_report(const GuestId& id, GuestReport report, TimePoint now);
    /// True if that was the end of the guest: it is not connected and has no processes.
    [[nodiscard]] bool take_measurement(const GuestId& id, const GuestResidency& seen, TimePoint now);

    void take_balloon(const GuestId& id, const OsBalloon& look);

    /// What a guest holds; with its page cache where that can be moved: what nobody could take back is the kernel's
    /// business.
    [[nodiscard]] static std::optional<Bytes> charged(const GuestRecord& record);

    /// The picture for one decision. Guests not yet measured are left out: nothing is known of them from outside.
    [[nodiscard]] HostSnapshot snapshot(Bytes budget, TimePoint now) const;

    [[nodiscard]] const std::map<GuestId, GuestRecord>& guests() const { return guests_; }
    [[nodiscard]] const GuestRecord* find(const GuestId& id) const;
    /// By name, or by identity.
    [[nodiscard]] const GuestRecord* find_named(const std::string& name) const;

private:
    [[nodiscard]] std::string free_name(const std::string& wanted, std::uint64_t number) const;
    void sample_fixed(GuestRecord& record, TimePoint now);
    [[nodiscard]] static GuestSeen seen(const GuestId& id, const GuestRecord& record, Bytes budget, TimePoint now);

    std::map<GuestId, GuestRecord> guests_;
};

}  // namespace aerostat::host::sense
