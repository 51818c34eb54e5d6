#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <asio/io_context.hpp>

#include "wire/connector.h"

namespace aerostat::guest {

/// Where the host is: "unix:PATH", a socket it listens at; or "virtio:PORT", a virtio-serial port by its name
/// ("org.aerostat.guest.0") or its device ("/dev/vport1p1").
struct HostAddress {
    enum class Kind { unix_socket, virtio_port };
    Kind kind = Kind::unix_socket;
    std::string place;  ///< path of the socket; name or absolute path of the port
    bool operator==(const HostAddress&) const = default;
};

/// Fails: `bad_value` with what is allowed.
[[nodiscard]] Result<HostAddress> parse_host_address(std::string_view text);
[[nodiscard]] std::string to_string(const HostAddress& address);

/// Makes the connector that a link is to use, given whom to call.
using MakeConnector =
    std::function<std::unique_ptr<wire::Connector>(wire::Connector::OnConnected, wire::Connector::OnFailed)>;

/// The way to this address. Borrows the loop.
[[nodiscard]] MakeConnector connector_to(asio::io_context& loop, const HostAddress& address);

}  // namespace aerostat::guest
