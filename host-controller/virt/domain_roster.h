#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <asio/io_context.hpp>

#include "host-controller/virt/domain.h"
#include "host-controller/virt/ram_gauges.h"

namespace aerostat::host::virt {

/// Which domains run, as libvirt's listings show, each with its channel and its gauge; the backend's handlers hear of
/// those that come and go.
/// Thread: the io_context's.
class DomainRoster {
public:
    struct Ports {
        asio::io_context& loop;
        const Clock& clock;
        Connection& connection;
        const Backend::Handlers& handlers;
        std::function<void(const GuestId& guest, const Domain& domain)> on_appear;  ///< before on_seen
    };
    explicit DomainRoster(Ports ports) : ports_(std::move(ports)) {}
    DomainRoster(const DomainRoster&) = delete;
    DomainRoster& operator=(const DomainRoster&) = delete;

    /// Asks for a listing; later, if one is under way or none may be made. Does nothing while there is no connection.
    void list();
    /// While quiet no listing is begun, except for the first.
    void keep_quiet(bool quiet);
    /// It has ended, whether an event or a listing shows it first: its memory counts as free as soon as its QEMU is gone.
    void note_stopped(const GuestId& guest);
    /// Tells of what happened to a domain that is known.
    void tell(const GuestId& guest, const std::string& words, GuestEvent::Kind kind = GuestEvent::Kind::life) const;
    /// Takes over what its XML says now.
    void refit(const GuestId& guest, DomainFacts facts);

    [[nodiscard]] Domain* find(const GuestId& guest);
    /// As operators want them now.
    [[nodiscard]] const std::map<GuestId, Domain>& domains();
    [[nodiscard]] std::shared_ptr<RamGauges> gauges() const { return gauges_; }
    [[nodiscard]] bool has_listed() const { return has_listed_; }
    /// A listing was wanted, and none has come that was begun since.
    [[nodiscard]] bool owes_listing() const { return unlisted_; }
    [[nodiscard]] std::uint64_t malformed_lines() const;
    [[nodiscard]] std::uint64_t peers_cut_off() const;

private:
    void take(std::vector<ActiveDomain> active);
    void note_listed(const GuestId& guest, Domain& domain, RunState state) const;
    void appear(ActiveDomain seen);
    void vanish(const GuestId& guest);
    Domain& as_wanted(Domain& domain) const;
    void count_out(const GuestId& guest, const GuestChannel& channel, const char* why);
    void follow_channel(const GuestId& guest, Domain& domain);
    [[nodiscard]] std::unique_ptr<GuestChannel> open_channel(const GuestId& guest, const std::string& name,
                                                             const std::string& path) const;

    Ports ports_;
    std::map<GuestId, Domain> domains_;
    std::shared_ptr<RamGauges> gauges_ = std::make_shared<RamGauges>();
    bool has_listed_ = false;
    bool quiet_ = false;      ///< nothing may be asked that could wait for a domain that is being started
    bool list_owed_ = false;  ///< something has changed since the listing that is under way, or could not be begun
    bool unlisted_ = false;
    std::uint64_t malformed_of_gone_ = 0;
    std::uint64_t cut_off_of_gone_ = 0;
};

}  // namespace aerostat::host::virt
