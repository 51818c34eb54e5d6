// What reaches the daemon, and what it does about it.
#include <spdlog/spdlog.h>

#include <asio/post.hpp>

#include "contract/names.h"
#include "guest-balloon/app/guest_daemon.h"

namespace aerostat::guest {

Result<Welcome> GuestDaemon::agent_hello(ConnectionId from, const wire::PeerCredentials& peer, const Hello& hello) {
    Effects effects;
    const TimePoint now = clock_.now();
    auto welcome = state_.agent_hello(from, identify_process(peer.pid, peer.uid), hello, is_alive, now, effects);
    if (welcome) {
        courier_.lease_began(from, now);
        spdlog::info("agent welcomed jvm={} pid={} uid={} collector={}", welcome->name, peer.pid, peer.uid,
                     hello.jvm ? printable(hello.jvm->collector, 40) : "");
    } else {
        spdlog::warn("agent turned away name={} pid={} uid={} reason=\"{}\"", hello.name, peer.pid, peer.uid,
                     welcome.error().message);
    }
    // After the welcome has gone out, so that an order that is sent again follows it.
    asio::post(loop_, [this, effects, alive = alive_]() mutable {
        if (*alive) carry_out(effects);
    });
    return welcome;
}

void GuestDaemon::agent_said(ConnectionId from, const Message& message) {
    Effects effects;
    const TimePoint now = clock_.now();
    if (const auto* report = std::get_if<JvmReport>(&message))
        state_.agent_report(from, *report, now, effects);
    else if (const auto* result = std::get_if<OperationResult>(&message))
        state_.agent_result(from, *result, now, effects);
    else if (const auto* pressure = std::get_if<Pressure>(&message))
        state_.agent_pressure(from, *pressure, now, effects);
    else if (const auto* notice = std::get_if<ErrorNotice>(&message)) {
        spdlog::debug("agent complains code={} message=\"{}\"", printable(notice->code, 40), printable(notice->message));
    }
    carry_out(effects);
}

void GuestDaemon::agent_gone(ConnectionId from, const Error& why) {
    spdlog::info("agent gone connection={} reason=\"{}\"", from, why.message);
    Effects effects;
    state_.agent_gone(from, clock_.now(), effects);
    carry_out(effects);
}

void GuestDaemon::host_welcomed(const std::string& session, const Welcome& welcome) {
    state_.host_welcomed(session, welcome, clock_.now());
    spdlog::info("host connected name={} lease_ms={}", welcome.name, welcome.lease.count());
    log_edges();
    if (application_balloon_) {
        application_balloon_->host_changed();
        application_balloon_->look();
    }
    report_to_host(true);
    deliver_results();
}

void GuestDaemon::host_said(const Message& message) {
    Effects effects;
    const TimePoint now = clock_.now();
    if (const auto* apply = std::get_if<Apply>(&message))
        state_.host_order(*apply, now, effects);
    else if (const auto* cancel = std::get_if<Cancel>(&message))
        state_.host_cancel(*cancel, now, effects);
    else if (const auto* lease = std::get_if<LeaseRenewal>(&message))
        state_.host_lease(*lease, now);
    else if (const auto* condition = std::get_if<HostCondition>(&message))
        host_condition(*condition);
    else if (const auto* words = std::get_if<BalloonWords>(&message))
        balloon_words(*words);
    else if (!std::holds_alternative<ErrorNotice>(message))
        host_->send(ErrorNotice{"refused", "a host does not send this to a guest"});
    carry_out(effects);
    deliver_results();
}

void GuestDaemon::host_condition(const HostCondition& condition) {
    state_.host_heard(clock_.now());
    applications_.host_says(condition);
    applications_.refresh(state_);
}

void GuestDaemon::balloon_words(const BalloonWords& words) {
    if (!state_.host_speaks(words.session, clock_.now())) return;
    if (application_balloon_) return application_balloon_->host_says(words.line);
    const auto id = balloon::number_in(words.line);
    const balloon::Refused off{id.value_or(0), ErrorCode::unsupported, "os.application_balloon is off in this guest"};
    std::string line = balloon::line_of(balloon::BalloonAnswer(off));
    line.pop_back();
    host_->send(BalloonWords{words.session, std::move(line)});
}

void GuestDaemon::host_lost(const Error& why) {
    spdlog::warn("host lost reason=\"{}\"", why.message);
    state_.host_lost(clock_.now());
    if (application_balloon_) application_balloon_->host_changed();
    log_edges();
}

void GuestDaemon::carry_out(Effects& effects) {
    bool is_news = false;
    for (const Effect& effect : effects) {
        std::visit([this](const auto& what) { carry_out(what); }, effect);
        is_news =
            is_news || std::holds_alternative<OperationEnded>(effect) || std::holds_alternative<ForwardPressure>(effect);
    }
    if (is_news) {
        deliver_results();
        report_to_host(false);
    }
    arm_operation_timer();
}

void GuestDaemon::carry_out(const OrderAgent& order) { courier_.carry(order, clock_.now()); }

void GuestDaemon::carry_out(const CancelAgent& cancel) { courier_.carry(cancel, clock_.now()); }

void GuestDaemon::carry_out(const DropConnection& drop) {
    if (agents_) agents_->drop(drop.connection, Error{ErrorCode::disconnected, drop.why});
}

void GuestDaemon::carry_out(const Measure& measure) {
    meter_.measure(measure.process, [this, measure](const Result<PssReading>& reading) {
        const std::optional<Bytes> pss = reading ? std::optional(reading->pss) : std::nullopt;
        if (!reading) spdlog::debug("not verified jvm={} reason=\"{}\"", measure.jvm, reading.error().message);
        Effects effects;
        state_.measured(measure.op, measure.jvm, measure.moment, pss, clock_.now(), effects);
        carry_out(effects);
    });
}

void GuestDaemon::carry_out(const OperationEnded& ended) {
    if (const Operation* operation = state_.orders().find(ended.op)) {
        const OperationView view = view_of(*operation, clock_.now());
        spdlog::info(
            "operation ended op={} command={} target={} asked_bytes={} obtained_bytes={} verified_bytes={} reason={} "
            "elapsed_ms={}",
            view.op, view.command, view.target, view.asked.count(), view.obtained.count(),
            view.verified ? std::to_string(view.verified->count()) : "unknown", to_string(view.reason),
            view.elapsed.count());
    }
    requests_.operation_ended(ended.op);
}

void GuestDaemon::carry_out(const ForwardPressure& forward) {
    spdlog::warn("pressure jvm={} wanted_bytes={} cause={}", forward.pressure.jvm, forward.pressure.wanted.count(),
                 forward.pressure.cause);
    if (host_) host_->send(forward.pressure);
    applications_.distress();
    applications_.refresh(state_);
}

}  // namespace aerostat::guest
