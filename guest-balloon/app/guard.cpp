#include "guest-balloon/app/guard.h"

#include <algorithm>
#include <charconv>

#include "guest-balloon/decide/request_rules.h"
#include "procfs/meminfo.h"

namespace aerostat::guest {
namespace {

constexpr Bytes kLeastWanted{64ULL << 20U};
constexpr Millis kDeadline{1'000};

SetHeapTarget order_for(const Jvm& jvm, const std::string& op) {
    SetHeapTarget order;
    order.session = jvm.session;
    order.op = op;
    order.target.footprint = Bytes(PatchedLine::kOpen);
    order.deadline = kDeadline;
    return order;
}

}  // namespace

Guard::Guard(Ports ports, const std::string& root) : ports_(std::move(ports)) { meminfo_.open(root + "/proc/meminfo"); }

void Guard::arm(const GuestState& state, const std::string& op) {
    op_ = op;
    count_ = 0;
    reserve_ = state.reserve();
    available_ = state.memory().available;
    if (const auto& os = state.os()) {
        balloon_ = is_moved_by_host(*os) ? os->taken : Bytes();
        container_held_ = os->can_move ? std::optional(os->holds) : std::nullopt;
    }
    for (const Jvm* jvm : state.jvms().connected()) {
        const auto& target = jvm->restraint.target;
        if (!target || !jvm->report || state.paused().covers(jvm->name) || count_ == prepared_.size()) continue;
        auto line = PatchedLine::make(op, order_for(*jvm, op), "target_bytes");
        if (!line) continue;
        prepared_[count_] = Prepared{jvm->name, *jvm->connection, *std::move(line), false};
        heaps_[count_] = GuardedHeap{count_, target->footprint, jvm->heap_ceiling(),
                                     jvm->report->curve.gain_of_giving(target->footprint), target->footprint};
        ++count_;
    }
    to_host_ = PatchedLine::make(op, Pressure{Bytes(PatchedLine::kOpen), "psi", {}}, "wanted_bytes").value_or(PatchedLine());
}

// As little work as possible on the guest's figures: the files are open, and read into fixed space.
Bytes Guard::available_now() noexcept {
    Bytes available = available_;
    const auto info = procfs::parse_meminfo(meminfo_.read());
    if (info) available = std::min(available, info->available);
    if (!container_held_) return available;
    std::uint64_t holds = 0;
    const std::string_view text = container_.read();
    if (std::from_chars(text.data(), text.data() + text.size(), holds).ec != std::errc()) return available;
    return saturating_sub(available, saturating_sub(Bytes(holds), *container_held_));
}

bool Guard::is_meant(PressureWord seen) noexcept {
    seen.available = available_now();
    seen.reserve = reserve_;
    return concerns_guest(seen);
}

Guard::Shot Guard::fire(TimePoint now) noexcept {
    Shot shot;
    const PressureEdges::News news = edges_.note(now);
    if (news == PressureEdges::News::nothing) return shot;
    shot.happened = true;
    ports_.release_os();
    shot.available = available_now();
    shot.wanted = std::max({kLeastWanted, balloon_, saturating_sub(reserve_, shot.available)});
    if (news == PressureEdges::News::edge) {
        shot.told_host = true;
        shot.host_heard = !to_host_.is_empty() && ports_.to_host(to_host_.with(shot.wanted.count()));
    }
    const std::span<GuardedHeap> heaps(heaps_.data(), count_);
    release_heaps(heaps, shot.available, reserve_);
    for (const GuardedHeap& heap : heaps) {
        if (heap.raised <= heap.target) continue;
        Prepared& prepared = prepared_[heap.number];
        prepared.sent = ports_.to_agent(prepared.to, prepared.line.with(heap.raised.count()));
        ++shot.raised;
    }
    return shot;
}

bool Guard::has_told(ConnectionId agent) const {
    return std::any_of(prepared_.begin(), prepared_.begin() + static_cast<std::ptrdiff_t>(count_),
                       [agent](const Prepared& one) { return one.to == agent && one.sent; });
}

Order Guard::order_of_shot(const GuestState& state) const {
    Order order;
    order.op = op_;
    order.origin = Origin::guard;
    order.command = "guard";
    order.detail = "the guest stalls for want of memory";
    order.deadline = kDeadline;
    for (std::size_t i = 0; i < count_; ++i) {
        const GuardedHeap& heap = heaps_[i];
        const Jvm* jvm = state.jvms().find(prepared_[heap.number].jvm);
        if (heap.raised <= heap.target || !jvm || !jvm->connection) continue;
        JvmTask task = lifting_task(*jvm);
        if (task.settled) continue;
        task.asked = saturating_sub(heap.raised, heap.target);
        task.target.footprint = heap.raised;
        if (heap.raised < heap.ceiling) {
            task.afterwards = jvm->restraint;
            task.afterwards.target = task.target;
            if (task.afterwards.ceiling) task.afterwards.ceiling = std::max(*task.afterwards.ceiling, heap.raised);
        }
        order.tasks.push_back(std::move(task));
    }
    return order;
}

}  // namespace aerostat::guest
