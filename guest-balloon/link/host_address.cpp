#include "guest-balloon/link/host_address.h"

#include "contract/names.h"
#include "guest-balloon/link/port_lookup.h"
#include "guest-balloon/link/virtio_port.h"
#include "wire/dialer.h"

namespace aerostat::guest {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kVirtio = "virtio:";

tl::unexpected<Error> no_address(std::string_view text, std::string_view hint) {
    return fail(ErrorCode::bad_value, "host \"" + printable(text, 80) + "\" is no address; " + std::string(hint));
}

}  // namespace

Result<HostAddress> parse_host_address(std::string_view text) {
    if (text.starts_with(kUnix) && text.size() > kUnix.size())
        return HostAddress{HostAddress::Kind::unix_socket, std::string(text.substr(kUnix.size()))};
    if (text.starts_with(kVirtio)) {
        const std::string_view port = text.substr(kVirtio.size());
        if (is_port_name(port) || is_device_path(port))
            return HostAddress{HostAddress::Kind::virtio_port, std::string(port)};
        return no_address(text,
                          "write virtio:PORT, a port's name (virtio:org.aerostat.guest.0) or device (virtio:/dev/vport1p1)");
    }
    return no_address(text, "write unix:PATH or virtio:PORT");
}

std::string to_string(const HostAddress& address) {
    return std::string(address.kind == HostAddress::Kind::unix_socket ? kUnix : kVirtio) + address.place;
}

MakeConnector connector_to(asio::io_context& loop, const HostAddress& address) {
    return [&loop, address](wire::Connector::OnConnected on_connected,
                            wire::Connector::OnFailed on_failed) -> std::unique_ptr<wire::Connector> {
        if (address.kind == HostAddress::Kind::unix_socket) {
            return std::make_unique<wire::Dialer>(loop, address.place, wire::Backoff{}, std::move(on_connected),
                                                  std::move(on_failed));
        }
        return std::make_unique<VirtioPort>(
            loop, address.place, [port = address.place] { return open_port(port, DeviceRoots{}); }, PortPace{},
            std::move(on_connected), std::move(on_failed));
    };
}

}  // namespace aerostat::guest
