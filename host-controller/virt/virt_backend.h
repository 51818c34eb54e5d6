#pragma once

#include <memory>

#include <asio/io_context.hpp>

#include "host-controller/backend/backend.h"
#include "host-controller/virt/domain_event.h"

namespace aerostat::host::virt {

/// Backend "libvirt": the guests are all active domains of one libvirt connection, known by UUID ("domain:UUID") and called
/// by the domain's name, never by what they say.
///
/// Looks every 2 s which domains are active, and at once when libvirt tells of one. libvirt being away is no reason to stop:
/// channels are kept, QEMU processes are measured; only new domains are not seen and OS balloons cannot be moved. No libvirt
/// call runs on the loop. Nothing is changed on a domain unless asked for, with one exception: look() switches the balloon's
/// statistics on (period 1 s) where they are off. Thread: the io_context's. The destructor waits at most about two seconds
/// for calls that hang, then leaves them behind.
class VirtBackend final : public Backend, public OsBalloons {
public:
    VirtBackend(asio::io_context& loop, const std::string& uri, const Clock& clock);
    ~VirtBackend() override;
    VirtBackend(const VirtBackend&) = delete;
    VirtBackend& operator=(const VirtBackend&) = delete;

    /// Never fails: libvirt may come later; until then warnings() says what is wrong.
    [[nodiscard]] Status open(Handlers handlers) override;
    bool send(const GuestId& guest, Message message) override;
    /// The resident part of the guest-RAM mapping in its QEMU. `not_found`: libvirt calls the domain active but no QEMU of
    /// it can be seen from here; `refused`: several can; `denied`: its smaps may not be read (not root?); `timed_out`. A
    /// domain that is no longer active is measured as long as its QEMU lives, then it has no processes.
    void measure(const GuestId& guest, std::function<void(Result<GuestResidency>)> answer) override;
    [[nodiscard]] bool is_measuring(const GuestId& guest) const override;
    [[nodiscard]] bool knows_identity(const GuestId& guest) const override;
    /// A domain goes by its UUID.
    [[nodiscard]] bool comes_again(const GuestId& guest) const override { return knows_identity(guest); }
    /// Its RAM.
    [[nodiscard]] std::optional<Bytes> most_of(const GuestId& guest) const override;
    [[nodiscard]] std::string why_left_alone(const GuestId& guest) const override;
    void keep_quiet(bool quiet) override;
    [[nodiscard]] bool has_listed() const override;
    [[nodiscard]] bool owes_listing() const override;
    [[nodiscard]] std::optional<Bytes> takeable_ram(const GuestId& guest) const override;
    [[nodiscard]] OsBalloons* os_balloons() override { return this; }
    [[nodiscard]] std::string name() const override { return "libvirt"; }
    [[nodiscard]] std::vector<Finding> examine(const std::function<bool(const std::string&)>& managed) const override;
    [[nodiscard]] std::vector<std::string> warnings() const override;
    [[nodiscard]] std::uint64_t malformed_lines() const override;
    [[nodiscard]] std::uint64_t peers_cut_off() const override;

    /// Only domains with autodeflate have an OS balloon we may move: without it a guest that needs its pages back is killed.
    void look(const GuestId& guest, std::function<void(Result<OsBalloon>)> answer) override;
    void set_target(const GuestId& guest, Bytes actual, std::function<void(Status)> answer) override;

    /// Where libvirt's events come in.
    [[nodiscard]] EventSink& events();
    /// Whether a connection is open, with its events subscribed to.
    [[nodiscard]] bool events_flow() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace aerostat::host::virt
