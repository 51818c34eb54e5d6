#pragma once

#include <sys/types.h>

#include <vector>

#include "contract/error.h"

namespace aerostat::wire {

/// Who is at the other end of a unix socket, as the kernel recorded it when the peer connected.
struct PeerCredentials {
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;              ///< in our pid namespace; 0 if the peer is outside it
    std::vector<gid_t> groups;  ///< supplementary groups; empty where the kernel does not tell
};

/// SO_PEERCRED and SO_PEERGROUPS of a connected unix socket. Fails: `io`.
[[nodiscard]] Result<PeerCredentials> peer_credentials(int socket_fd);

}  // namespace aerostat::wire
