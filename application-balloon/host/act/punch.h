#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "application-balloon/contract/wire.h"
#include "application-balloon/host/decide/memory_map.h"

namespace aerostat::balloon::host {

/// A domain, as far as its processors go. Calls block.
class Machine {
public:
    virtual ~Machine() = default;
    /// Fails: `refused` (nothing may be taken from it now), or what libvirt says.
    [[nodiscard]] virtual Status may_be_punched() = 0;
    /// Stops its processors; QEMU has finished what its devices were doing when this returns. Fails: what libvirt says.
    [[nodiscard]] virtual Status pause() = 0;
    virtual void resume() = 0;
};

/// The files behind a guest's RAM. Calls block.
class RamFiles {
public:
    virtual ~RamFiles() = default;
    /// Reads without making pages where there are none. Fails: `io`.
    [[nodiscard]] virtual Status read(const Place& place, std::span<std::byte> to) = 0;
    /// Gives one piece back to the host. Fails: `io`.
    [[nodiscard]] virtual Status punch(const Place& place) = 0;
    /// What they hold now.
    [[nodiscard]] virtual Bytes held() = 0;
};

/// Takes what carries the pattern, kMostBatch at a time; the guest's processors stand still for each, and run again whatever
/// happens. A frame is left alone if it is not wholly RAM of the guest, if one byte of it is not as it should be, or if the
/// order's time is over: the guest may have it back then.
/// Fails: as Machine::may_be_punched and pause, or `timed_out`; nothing has been taken then.
[[nodiscard]] Result<Punched> punch(const PunchOrder& order, Machine& machine, RamFiles& files,
                                    const std::vector<FilePart>& parts, const Clock& clock);

}  // namespace aerostat::balloon::host
