#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "guest-balloon/decide/guard.h"
#include "guest-balloon/decide/guest_state.h"
#include "guest-balloon/decide/patched_line.h"
#include "procfs/kept_file.h"

namespace aerostat::guest {

/// What is done at once when the guest stalls for want of memory: heaps are given room as far as the guest can back it, a
/// container's hold is let go, and the host is told. All that takes is made beforehand by arm(); fire() allocates nothing.
/// Thread: the loop's.
class Guard {
public:
    /// None of them allocates. `to_*`: false if the line could not be written at once.
    struct Ports {
        std::function<bool(ConnectionId to, std::string_view line)> to_agent;
        std::function<bool(std::string_view line)> to_host;
        std::function<void()> release_os;
    };
    /// `root` stands before /proc.
    Guard(Ports ports, const std::string& root);

    /// Makes everything ready; once a second and after each shot. `op`: a fresh id, for the order of the next shot.
    void arm(const GuestState& state, const std::string& op);
    /// The container's cgroup, where the guest is one: its file of what it holds.
    void watch_container(const std::string& current_file) {
        container_.open(current_file);
        watches_container_ = true;
    }
    [[nodiscard]] bool watches_container() const noexcept { return watches_container_; }

    struct Shot {
        bool happened = false;
        bool told_host = false;  ///< the host was to be told
        bool host_heard = false;
        std::size_t raised = 0;
        Bytes available;
        Bytes wanted;
    };
    Shot fire(TimePoint now) noexcept;
    /// Whether it has to be fired. The figures of memory are added here.
    [[nodiscard]] bool is_meant(PressureWord seen) noexcept;

    /// What the last shot has done, as the order it was: for the books.
    [[nodiscard]] Order order_of_shot(const GuestState& state) const;
    /// Whether this agent has been told by the last shot.
    [[nodiscard]] bool has_told(ConnectionId agent) const;
    [[nodiscard]] const std::string& op() const { return op_; }

private:
    struct Prepared {
        std::string jvm;
        ConnectionId to = 0;
        PatchedLine line;
        bool sent = false;
    };
    [[nodiscard]] Bytes available_now() noexcept;

    Ports ports_;
    procfs::KeptFile meminfo_;
    procfs::KeptFile container_;
    std::string op_;
    std::size_t count_ = 0;
    std::array<Prepared, WireLimits::kJvms> prepared_;
    std::array<GuardedHeap, WireLimits::kJvms> heaps_{};
    PatchedLine to_host_;
    PressureEdges edges_;
    Bytes reserve_;
    Bytes balloon_;  ///< held by virtio-balloon
    Bytes available_;
    std::optional<Bytes> container_held_;
    bool watches_container_ = false;
};

}  // namespace aerostat::guest
