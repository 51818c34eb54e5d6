#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "contract/error.h"
#include "contract/units.h"

namespace aerostat::guest {

/// The balloon of the guest OS layer, whatever stands behind it. Two movements: memory that the kernel can spare is taken
/// (reclaim), and what was taken stays away (hold). A virtual machine's is driven by the host and only observed here.
///
/// Calls may block for as long as the kernel works: not on the loop, but release_now() and releases(), which neither block
/// nor allocate and may be called while another call works. `decided_at`: what releases() said when the call was decided; a
/// release since then wins, and the call fails as `busy`.
class OsBalloon {
public:
    virtual ~OsBalloon() = default;
    /// "cgroup-v2", "cgroup-v1", "virtio", "application", "none".
    [[nodiscard]] virtual std::string name() const = 0;
    /// Why guestd cannot move it, for people; empty if it can.
    [[nodiscard]] virtual std::string why_not() const = 0;
    /// Whether reclaim() is sure not to push anything out to swap.
    [[nodiscard]] virtual bool spares_swap() const { return false; }
    /// Whether reclaim() goes without setting a limit; otherwise it is for moves only, which know what the guest may keep.
    [[nodiscard]] virtual bool reclaims_without_limit() const { return false; }
    /// Has the kernel take up to so much page cache. Fails: `busy` (it found less), `unsupported`, `denied`, `io`.
    [[nodiscard]] virtual Status reclaim(Bytes bytes, Bytes holding, std::uint64_t decided_at) = 0;
    /// The guest is to hold no more than this; absent: what it was allowed before us. Fails: `busy` (the kernel cannot make
    /// room), `denied`, `io`.
    [[nodiscard]] virtual Status hold(std::optional<Bytes> most, std::uint64_t decided_at) = 0;
    /// What we hold it at.
    [[nodiscard]] virtual std::optional<Bytes> held() const = 0;
    /// What was allowed before us; absent: no bound, or nothing is known of it.
    [[nodiscard]] virtual std::optional<Bytes> allowed() const { return std::nullopt; }
    /// Ends the hold at once, on the loop, and whatever hold is on its way.
    virtual void release_now() noexcept = 0;
    /// How often release_now() was called.
    [[nodiscard]] virtual std::uint64_t releases() const noexcept { return 0; }
};

/// A container's, by its cgroup's folder. `kept_file` remembers what was allowed before us, so that a daemon that is started
/// after one that died can put it back.
[[nodiscard]] std::unique_ptr<OsBalloon> cgroup_balloon(int version, const std::string& directory, std::string kept_file);
/// One that cannot be moved from here.
[[nodiscard]] std::unique_ptr<OsBalloon> observed_balloon(std::string name, std::string why_not);

}  // namespace aerostat::guest
