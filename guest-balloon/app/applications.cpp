#include "guest-balloon/app/applications.h"

#include <algorithm>

#include <asio/post.hpp>

#include "guest-balloon/sense/pss_meter.h"
#include "procfs/process.h"

namespace aerostat::guest {
namespace {

std::optional<Bytes> known_bytes(std::uint64_t bytes) {
    return bytes == kConditionUnknown ? std::nullopt : std::optional(Bytes(bytes));
}

std::set<pid_t> with_heaps(const GuestState& guest) {
    std::set<pid_t> processes;
    for (const Jvm* jvm : guest.jvms().connected()) processes.insert(jvm->process.pid);
    return processes;
}

std::optional<Bytes> held_by(pid_t process) {
    const auto held = procfs::anonymous_memory_of(process);
    return held ? std::optional(*held) : std::nullopt;
}

}  // namespace

Applications::Applications(asio::io_context& loop, std::string runtime_dir, const Clock& clock)
    : loop_(loop),
      runtime_dir_(std::move(runtime_dir)),
      clock_(clock),
      publisher_(runtime_dir_ + "/condition", [this](const ConditionState&, ConditionNews what) {
          if (clients_) clients_->tell(news(), what);
      }) {}

Status Applications::open() {
    ClientServer::Handlers handlers;
    handlers.now = [this] { return news(); };
    handlers.on_reclaimer = [this](ConnectionId from, const Envelope& envelope) { return on_reclaimer(from, envelope); };
    handlers.on_gone = [this](ConnectionId from) {
        reclaimers_.lost(from);
        settle();
    };
    auto clients = ClientServer::open(loop_, runtime_dir_ + "/client.sock", ClientDoorBounds{}, std::move(handlers), clock_);
    if (!clients) return tl::unexpected(clients.error());
    clients_ = *std::move(clients);
    auto pressure = PressureDoor::open(loop_, runtime_dir_ + "/pressure", PressureDoor::Bounds{}, clock_);
    if (!pressure) return tl::unexpected(pressure.error());
    pressure_ = *std::move(pressure);
    return {};
}

void Applications::close() {
    publisher_.say_goodbye(clock_.now());
    clients_.reset();
    pressure_.reset();
}

void Applications::refresh(const GuestState& guest) {
    publisher_.refresh(guest, clock_.now());
    if (pressure_) pressure_->tell(condition().level);
    reclaimers_.look(held_by, clock_.now());
    ask_reclaimers();
}

// Below tight nobody is made to give up what works for them; the page tells those who want to be early.
void Applications::ask_reclaimers() {
    const Condition& now = condition();
    if (!clients_ || now.level < ConditionLevel::tight || !now.deadline) return;
    send_requests(reclaimers_.ask(now.suggested_release, *now.deadline, clock_.now()));
}

void Applications::send_requests(const std::vector<AskReclaimer>& requests) {
    for (const AskReclaimer& request : requests) {
        if (!clients_->send(request.to, request.id, request.order)) reclaimers_.withdraw(request);
    }
}

CostCurve Applications::offers(const GuestState& guest) const { return reclaimers_.offers(with_heaps(guest)); }

void Applications::ask_for(const GuestState& guest, Bytes wanted, Duration within, std::function<void()> done) {
    const TimePoint now = clock_.now();
    const std::set<pid_t> others = with_heaps(guest);
    if (clients_) send_requests(reclaimers_.ask(wanted, now + within, now, others));
    awaited_ = clients_ ? reclaimers_.open_requests(others) : std::vector<std::string>();
    when_settled_ = std::move(done);
    settle();
}

void Applications::settle() {
    const std::vector<std::string> open = reclaimers_.open_requests();
    std::erase_if(awaited_, [&](const std::string& id) { return std::find(open.begin(), open.end(), id) == open.end(); });
    if (!awaited_.empty() || !when_settled_) return;
    asio::post(loop_, [alive = alive_, done = std::exchange(when_settled_, nullptr)] {
        if (*alive) done();
    });
}

Status Applications::on_reclaimer(ConnectionId from, const Envelope& envelope) {
    if (const auto* figures = std::get_if<ReclaimerFigures>(&envelope.body))
        return reclaimers_.put(from, identify_process(clients_->peer_of(from).pid, clients_->peer_of(from).uid), *figures);
    if (const auto* forget = std::get_if<ForgetReclaimer>(&envelope.body)) reclaimers_.forget(from, forget->reclaimer);
    if (const auto* answer = std::get_if<Reclaimed>(&envelope.body)) {
        reclaimers_.answered(from, envelope.id, *answer, clock_.now());
    }
    settle();
    return {};
}

MemoryNews Applications::news() const {
    const ConditionState& state = publisher_.state();
    MemoryNews news;
    news.level = condition().level;
    news.trend = condition().trend;
    news.validity = static_cast<ConditionValidity>(state.validity);
    news.session = state.session;
    news.available = known_bytes(state.available_bytes);
    news.suggested_release = known_bytes(state.suggested_release_bytes);
    if (condition().deadline) news.deadline = std::max(Millis(0), to_millis(*condition().deadline - clock_.now()));
    return news;
}

std::vector<std::string> Applications::degraded() const {
    return publisher_.problem().empty() ? std::vector<std::string>() : std::vector{publisher_.problem()};
}

}  // namespace aerostat::guest
