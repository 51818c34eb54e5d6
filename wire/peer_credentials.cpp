#include "wire/peer_credentials.h"

#include <sys/socket.h>

#include <cerrno>

namespace aerostat::wire {

Result<PeerCredentials> peer_credentials(int socket_fd) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return tl::unexpected(error_from_errno("asking who the peer is", errno));
    }
    PeerCredentials peer{credentials.uid, credentials.gid, credentials.pid, {}};
    std::vector<gid_t> groups(64);
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
        if (::getsockopt(socket_fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) == 0) {
            groups.resize(bytes / sizeof(gid_t));
            peer.groups = std::move(groups);
            return peer;
        }
        if (errno != ERANGE) break;
        groups.resize(bytes / sizeof(gid_t));  // the kernel says how much room it needs
    }
    return peer;
}

}  // namespace aerostat::wire
