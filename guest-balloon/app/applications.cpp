#include "guest-balloon/app/applications.h"

namespace aerostat::guest {
namespace {

std::optional<Bytes> known_bytes(std::uint64_t bytes) {
    return bytes == kConditionUnknown ? std::nullopt : std::optional(Bytes(bytes));
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
    handlers.on_gone = [this](ConnectionId from) { reclaimers_.lost(from); };
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
    ask_reclaimers();
}

// Below tight nobody is made to give up what works for them; the page tells those who want to be early.
void Applications::ask_reclaimers() {
    const Condition& now = condition();
    if (!clients_ || now.level < ConditionLevel::tight || !now.deadline) return;
    for (const AskReclaimer& request : reclaimers_.ask(now.suggested_release, *now.deadline, clock_.now())) {
        if (!clients_->send(request.to, request.id, request.order)) reclaimers_.withdraw(request);
    }
}

Status Applications::on_reclaimer(ConnectionId from, const Envelope& envelope) {
    if (const auto* figures = std::get_if<ReclaimerFigures>(&envelope.body))
        return reclaimers_.put(from, clients_->user_of(from), *figures);
    if (const auto* forget = std::get_if<ForgetReclaimer>(&envelope.body)) reclaimers_.forget(from, forget->reclaimer);
    if (const auto* answer = std::get_if<Reclaimed>(&envelope.body))
        reclaimers_.answered(from, envelope.id, *answer, clock_.now());
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
