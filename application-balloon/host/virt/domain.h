#pragma once

#include <memory>
#include <string>

#include "application-balloon/host/decide/permission.h"

namespace aerostat::balloon::host {

/// A running domain at libvirt's. Calls block. Thread: one.
class Domain {
public:
    virtual ~Domain() = default;
    /// QEMU's answer to a command for people; the only ones used ask where memory lies.
    [[nodiscard]] virtual Result<std::string> ask_monitor(const std::string& command) = 0;
    /// Without open_files: they are QEMU's, not libvirt's to tell. `pausing`: it is us who have stopped its processors; then
    /// only what it does is looked at, not its description again.
    [[nodiscard]] virtual Result<DomainSight> look(bool pausing) = 0;
    [[nodiscard]] virtual Status suspend() = 0;
    /// Fails as libvirt does, also where somebody else's job keeps it paused.
    [[nodiscard]] virtual Status resume() = 0;
};

/// Connects for each domain: a connection that was lost is nobody's trouble then. Fails: `not_found` (not running), `io`.
[[nodiscard]] Result<std::unique_ptr<Domain>> open_domain(const std::string& uri, const std::string& uuid);

/// Whether a pause for this reason (virDomainPausedReason) can be one of ours: libvirt books a pause under the migration or
/// snapshot that runs at that moment, and leaves it at that when the job has failed.
[[nodiscard]] bool may_be_our_pause(int reason, bool has_job);

/// What in a domain's description reaches its memory past QEMU, for people; total over any input.
[[nodiscard]] Result<DomainSight> sight_in(const std::string& xml);

}  // namespace aerostat::balloon::host
