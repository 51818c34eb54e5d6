#pragma once

#include <memory>
#include <string>

#include <asio/io_context.hpp>

#include "host-controller/backend/backend.h"
#include "host-controller/backend/measure_pool.h"
#include "host-controller/local/group_gauge.h"
#include "host-controller/local/guest_door.h"

namespace aerostat::host::local {

/// Backend "local": guests are groups of processes on this machine. They join over a unix socket and are measured by PSS.
/// Thread: the io_context's.
class LocalBackend final : public Backend {
public:
    LocalBackend(asio::io_context& loop, wire::SocketSpec socket, const Clock& clock);

    /// Fails: as wire::Listener::open.
    [[nodiscard]] Status open(Handlers handlers) override;
    bool send(const GuestId& guest, Message message) override;
    void measure(const GuestId& guest, std::function<void(Result<GuestResidency>)> answer) override;
    void glance(const GuestId& guest, std::function<void(Result<GuestResidency>)> answer) override;
    [[nodiscard]] bool is_measuring(const GuestId& guest) const override { return pool_.is_busy(guest); }
    [[nodiscard]] bool knows_identity(const GuestId& guest) const override { return parse_group(guest).has_value(); }
    [[nodiscard]] std::string name() const override { return "local"; }
    [[nodiscard]] std::uint64_t malformed_lines() const override { return door_ ? door_->malformed_lines() : 0; }
    [[nodiscard]] std::uint64_t peers_cut_off() const override { return door_ ? door_->peers_cut_off() : 0; }

private:
    asio::io_context& loop_;
    wire::SocketSpec socket_;
    const Clock& clock_;
    MeasurePool pool_;
    std::unique_ptr<GuestDoor> door_;
};

}  // namespace aerostat::host::local
