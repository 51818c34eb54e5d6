// The guest OS layer: what is seen of it each second, and what is done at once under pressure.
#include <spdlog/spdlog.h>

#include "contract/names.h"
#include "guest-balloon/app/guest_daemon.h"

namespace aerostat::guest {

void GuestDaemon::look_around() {
    GuestSight sight = os_.look(application_balloon_ ? application_balloon_->held() : Bytes());
    state_.memory_seen(sight.memory);
    applications_.os_seen(sight.os);
    if (!sight.memory.total.is_zero())
        state_.os_seen(os_.report(state_.heaps(), state_.reserve(), applications_.offers(state_)));
    degraded_ = std::move(sight.degraded);
    if (application_balloon_ && !application_balloon_->trouble().empty())
        degraded_.push_back("no memory is taken by the application balloon: " + application_balloon_->trouble());
    degraded_.insert(degraded_.end(), unprotected_.begin(), unprotected_.end());
}

// What the host is about to take of a virtual machine by its balloon is not told as an order: it only has to be there.
void GuestDaemon::ask_for_what_goes() {
    constexpr Duration kWithin = std::chrono::seconds(5);
    if (os_.held_file().empty() && !applications_.about_to_be_taken().is_zero())
        applications_.ask_for(state_, os_.due_for_balloon(applications_.about_to_be_taken()), kWithin, [] {});
}

void GuestDaemon::carry_out(const AskApplications& ask) {
    look_around();
    applications_.ask_for(state_, os_.due_for_target(ask.target), ask.within, [this, op = ask.op] {
        Effects effects;
        state_.applications_gave(op, clock_.now(), effects);
        carry_out(effects);
    });
}

// What it takes goes through a process of its own: frame numbers are not for the one that hears a host.
void GuestDaemon::open_application_balloon() {
    ApplicationBalloon::Ports ports;
    ports.tell_host = [this](const std::string& line) {
        if (host_ && host_->is_welcomed()) host_->send(BalloonWords{state_.host_session(), line});
    };
    ports.has_host = [this] { return state_.superior(clock_.now()) == Superior::connected; };
    ports.is_off = [this] { return state_.paused().everything; };
    application_balloon_ = std::make_unique<ApplicationBalloon>(loop_, config_.application_balloon_dir + "/balloon.sock",
                                                                std::move(ports), clock_);
    application_balloon_->start();
}

void GuestDaemon::look_at_time() {
    const std::string jump = jumps_.look(read_clocks(clock_, config_.os.cgroup.root));
    if (jump.empty()) return;
    spdlog::warn("time has jumped what=\"{}\"", jump);
    applications_.new_session();
    if (host_) host_->resync(jump);
}

void GuestDaemon::arm_guard() { guard_.arm(state_, fresh_id()); }

// A container, or a group of processes whose host is reached through a socket of this machine.
bool GuestDaemon::shares_machine() const noexcept {
    return guard_.watches_container() || (config_.host && config_.host->kind == HostAddress::Kind::unix_socket);
}

// The kernel says that somebody here stalls for want of memory. First what helps, without a byte allocated; then the books.
void GuestDaemon::pressure(Stalled who) {
    if (!guard_.is_meant({who, shares_machine(), os_.held_unseen(), {}, {}})) return;
    const Guard::Shot shot = guard_.fire(clock_.now());
    if (shot.happened) after_pressure(shot);
}

void GuestDaemon::after_pressure(const Guard::Shot& shot) {
    const TimePoint now = clock_.now();
    Effects effects;
    state_.guard_fired(guard_.order_of_shot(state_), now, effects);
    std::erase_if(effects, [&](const Effect& effect) {
        const auto* order = std::get_if<OrderAgent>(&effect);
        return order && order->order.op == guard_.op() && guard_.has_told(order->to);
    });
    if (shot.told_host) {
        spdlog::warn("the guest stalls available_bytes={} raised_heaps={} wanted_bytes={} host_told={}",
                     shot.available.count(), shot.raised, shot.wanted.count(), shot.host_heard);
        // What could not be written at once goes the ordinary way.
        if (!shot.host_heard && host_) host_->send(Pressure{shot.wanted, "psi", {}});
    }
    carry_out(effects);
    const bool alone = state_.superior(now) != Superior::connected;
    if (alone && application_balloon_) application_balloon_->release();
    applications_.distress();
    applications_.refresh(state_);
    arm_guard();
}

}  // namespace aerostat::guest
