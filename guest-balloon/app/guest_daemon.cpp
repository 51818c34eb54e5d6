#include "guest-balloon/app/guest_daemon.h"

#include <spdlog/spdlog.h>

#include "contract/names.h"
#include "daemon/service.h"
#include "guest-balloon/app/pause_file.h"

namespace aerostat::guest {
namespace {

constexpr std::size_t kMeasuringThreads = 2;
constexpr std::size_t kMostMeasurements = 128;
constexpr Duration kSecond = std::chrono::seconds(1);
constexpr Duration kMeasureTick = std::chrono::milliseconds(250);
constexpr Duration kFarewell = std::chrono::milliseconds(200);

// Calls `then` after the time, unless the timer was set again or its owner has gone.
template <class Then>
void after(asio::steady_timer& timer, Duration time, const std::shared_ptr<bool>& alive, Then then) {
    timer.expires_after(time);
    timer.async_wait([alive, then = std::move(then)](asio::error_code error) {
        if (!error && *alive) then();
    });
}

Result<std::optional<gid_t>> group_of(const std::string& name) {
    if (name.empty()) return std::optional<gid_t>();
    return daemon::group_by_name(name).map([](gid_t id) { return std::optional(id); });
}

}  // namespace

GuestDaemon::GuestDaemon(asio::io_context& loop, GuestdConfig config, const Clock& clock)
    : loop_(loop),
      config_(std::move(config)),
      clock_(clock),
      state_(config_.name, config_.rules, config_.host.has_value(), clock.now()),
      requests_(state_,
                Requests::Ports{[this] { return links(); }, [this](Effects& effects) { carry_out(effects); },
                                [this] {
                                    const auto stored = store_pause(path("paused"), state_.paused());
                                    if (!stored)
                                        spdlog::error("the off switch is not kept over a restart error=\"{}\"",
                                                      stored.error().message);
                                }},
                clock),
      courier_([this](ConnectionId to, const Message& message) { return agents_ && agents_->send(to, message); }),
      applications_(loop, config_.runtime_dir, clock),
      second_timer_(loop),
      operation_timer_(loop),
      measure_timer_(loop),
      pool_(loop, kMeasuringThreads, kMostMeasurements),
      meter_(pool_),
      os_(loop, config_.os,
          OsLayer::Ports{[this](Stalled who) { pressure(who); },
                         [this](const std::string& op, const OsOutcome& outcome) {
                             Effects effects;
                             state_.os_moved(op, outcome, clock_.now(), effects);
                             carry_out(effects);
                         }},
          clock),
      guard_({[this](ConnectionId to, std::string_view line) { return agents_ && agents_->send_now(to, line); },
              [this](std::string_view line) { return host_ && host_->send_now(line); }, [this] { os_.release_now(); }},
             config_.os.cgroup.root) {}

GuestDaemon::~GuestDaemon() { *alive_ = false; }

Status GuestDaemon::open() {
    if (auto made = daemon::prepare_runtime_directory(config_.runtime_dir); !made) return made;
    // The control socket first: it tells a second daemon, before an agent could come to us by mistake.
    if (auto opened = open_control(); !opened) return opened;
    AgentServer::Handlers handlers;
    handlers.on_hello = [this](ConnectionId from, const wire::PeerCredentials& peer, const Hello& hello) {
        return agent_hello(from, peer, hello);
    };
    handlers.on_message = [this](ConnectionId from, const Message& message) { agent_said(from, message); };
    handlers.on_gone = [this](ConnectionId from, const Error& why) { agent_gone(from, why); };
    auto agents = AgentServer::open(loop_, path("agent.sock"), AgentDoorBounds{}, std::move(handlers), clock_);
    if (!agents) return tl::unexpected(agents.error());
    agents_ = *std::move(agents);
    if (auto opened_doors = applications_.open(); !opened_doors) return opened_doors;
    state_.set_paused(load_pause(path("paused")));
    if (config_.host) {
        HostClient::Handlers host;
        host.on_welcome = [this](const std::string& session, const Welcome& welcome) { host_welcomed(session, welcome); };
        host.on_message = [this](const Message& message) { host_said(message); };
        host.on_lost = [this](const Error& why) { host_lost(why); };
        host.on_trouble = [](const Error& why) { spdlog::warn("no connection to the host reason=\"{}\"", why.message); };
        host_ =
            std::make_unique<HostClient>(loop_, connector_to(loop_, *config_.host), config_.name, std::move(host), clock_);
        host_->start();
    }
    if (config_.os.by_application) open_application_balloon();
    if (const std::string held = os_.held_file(); !held.empty()) guard_.watch_container(held);
    every_second();
    measure_next();
    return {};
}

Status GuestDaemon::open_control() {
    auto read = group_of(config_.read_group);
    if (!read) return while_doing("control.read_group", read.error());
    auto operate = group_of(config_.operate_group);
    if (!operate) return while_doing("control.operate_group", operate.error());
    auto control = daemon::ControlServer::open(
        loop_, path("control.sock"), daemon::ControlAccess{*read, *operate},
        [this](const ControlRequest& request, const daemon::Responder& respond) { requests_.take(request, respond); },
        clock_);
    if (!control) return tl::unexpected(control.error());
    control_ = *std::move(control);
    return {};
}

std::vector<std::string> GuestDaemon::reload(const GuestdConfig& wanted) {
    auto restart = needs_restart(config_, wanted);
    config_.rules = wanted.rules;
    config_.log_level = wanted.log_level;
    state_.set_rules(config_.rules);
    return restart;
}

void GuestDaemon::stop() {
    if (stopping_) return;
    stopping_ = true;
    applications_.close();
    requests_.shutting_down();
    os_.stop();
    if (control_) control_->close(kFarewell);
    agents_.reset();
    application_balloon_.reset();
    host_.reset();
    measure_timer_.cancel();
    operation_timer_.cancel();
    // The doors are shut; what is left is to let the last replies out.
    after(second_timer_, control_ && control_->open_connections() > 0 ? kFarewell : Duration{}, alive_,
          [this] { loop_.stop(); });
}

void GuestDaemon::every_second() {
    if (application_balloon_) application_balloon_->look();
    look_around();
    look_at_time();
    Effects effects;
    state_.forget_dead(is_alive, clock_.now(), effects);
    state_.tick(fresh_id(), clock_.now(), effects);
    carry_out(effects);
    courier_.renew_leases(state_.jvms(), config_.rules.agent_lease, clock_.now());
    applications_.refresh(state_);
    ask_for_what_goes();
    report_to_host(true);
    arm_guard();
    log_edges();
    after(second_timer_, kSecond, alive_, [this] { every_second(); });
}

void GuestDaemon::operations_due() {
    Effects effects;
    state_.tick(fresh_id(), clock_.now(), effects);
    carry_out(effects);
}

void GuestDaemon::measure_next() {
    const Jvm* jvm = rota_.next(state_.jvms(), clock_.now());
    if (jvm && !meter_.is_busy_with(jvm->process)) {
        meter_.measure(jvm->process, [this, name = jvm->name, process = jvm->process](const Result<PssReading>& reading) {
            const TimePoint now = clock_.now();
            rota_.measured(reading ? reading->cost : Duration{}, now);
            state_.pss_seen(name, process, reading.map([](const PssReading& seen) { return seen.pss; }), now);
        });
    }
    after(measure_timer_, kMeasureTick, alive_, [this] { measure_next(); });
}

void GuestDaemon::arm_operation_timer() {
    const auto due = state_.next_due();
    if (!due || stopping_) {
        operation_timer_.cancel();
        return;
    }
    after(operation_timer_, std::max(Duration{}, *due - clock_.now()), alive_, [this] { operations_due(); });
}

void GuestDaemon::report_to_host(bool at_once) {
    constexpr Duration kAtMostEvery = std::chrono::milliseconds(100);
    const TimePoint now = clock_.now();
    if (!host_ || !host_->is_welcomed() || (!at_once && now - reported_at_ < kAtMostEvery)) return;
    reported_at_ = now;
    host_->send(state_.report());
}

void GuestDaemon::deliver_results() {
    if (!host_ || !host_->is_welcomed()) return;
    for (const OperationResult& result : state_.orders().take_undelivered(state_.host_session())) host_->send(result);
}

LinkFacts GuestDaemon::links() const {
    LinkFacts facts;
    facts.malformed_lines = (agents_ ? agents_->malformed_lines() : 0) + (control_ ? control_->malformed_lines() : 0) +
                            applications_.malformed_lines();
    facts.peers_cut_off = (agents_ ? agents_->peers_cut_off() : 0) + (control_ ? control_->peers_cut_off() : 0) +
                          applications_.peers_cut_off();
    facts.degraded = degraded_;
    for (std::string& what : applications_.degraded()) facts.degraded.push_back(std::move(what));
    if (state_.superior(clock_.now()) == Superior::silent) {
        const std::string& trouble = host_ ? host_->last_trouble() : std::string();
        facts.host_trouble = trouble.empty() && config_.host ? "nothing answers at " + to_string(*config_.host) : trouble;
    }
    return facts;
}

// On the edge, not every time.
void GuestDaemon::log_edges() {
    const Superior superior = state_.superior(clock_.now());
    if (superior != superior_logged_) {
        superior_logged_ = superior;
        spdlog::info("superior state={}", to_string(superior));
        daemon::notify_systemd("STATUS=host " + std::string(to_string(superior)));
    }
    if (degraded_ != degraded_logged_) {
        degraded_logged_ = degraded_;
        for (const std::string& source : degraded_) spdlog::warn("degraded what=\"{}\"", source);
    }
}

}  // namespace aerostat::guest
