#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "guest-balloon/app/condition_publisher.h"
#include "guest-balloon/decide/reclaimer_book.h"
#include "guest-balloon/link/client_server.h"
#include "guest-balloon/link/pressure_door.h"

namespace aerostat::guest {

/// All that applications of this guest see: the page, client.sock and pressure; and the memory that they give back. Thread:
/// the loop's.
class Applications {
public:
    Applications(asio::io_context& loop, std::string runtime_dir, const Clock& clock);
    ~Applications() { *alive_ = false; }
    Applications(const Applications&) = delete;
    Applications& operator=(const Applications&) = delete;

    /// Opens the doors. Fails: as wire::Listener::open.
    [[nodiscard]] Status open();
    /// Says goodbye and shuts the doors.
    void close();

    /// Looks again, publishes, tells and asks: once a second, and when something has happened.
    void refresh(const GuestState& guest);
    void os_seen(const OsSight& seen) { publisher_.os_seen(seen); }
    void host_says(const HostCondition& word) { publisher_.host_says(word); }
    /// What can be counted on of what programs offer, but for JVMs with an agent: their memory is in their heaps.
    [[nodiscard]] CostCurve offers(const GuestState& guest) const;
    /// Asks for so much, the cheapest first. `done` is called once, from the loop, when all who were asked, now or
    /// before, have answered or gone; at once if nobody was. Who takes longer than `within` is not waited for by those who
    /// call this.
    void ask_for(const GuestState& guest, Bytes wanted, Duration within, std::function<void()> done);
    void distress() { publisher_.distress(clock_.now()); }
    void new_session() { publisher_.new_session(); }

    [[nodiscard]] Bytes about_to_be_taken() const { return publisher_.condition().facts.about_to_be_taken; }
    [[nodiscard]] const Condition& condition() const { return publisher_.condition(); }
    [[nodiscard]] const ReclaimerBook& reclaimers() const { return reclaimers_; }
    [[nodiscard]] std::vector<std::string> degraded() const;
    [[nodiscard]] std::uint64_t malformed_lines() const { return clients_ ? clients_->malformed_lines() : 0; }
    [[nodiscard]] std::uint64_t peers_cut_off() const { return clients_ ? clients_->peers_cut_off() : 0; }

private:
    [[nodiscard]] Status on_reclaimer(ConnectionId from, const Envelope& envelope);
    [[nodiscard]] MemoryNews news() const;
    void ask_reclaimers();
    void send_requests(const std::vector<AskReclaimer>& requests);
    void settle();

    asio::io_context& loop_;
    const std::string runtime_dir_;
    const Clock& clock_;
    ReclaimerBook reclaimers_;
    ConditionPublisher publisher_;
    std::unique_ptr<ClientServer> clients_;
    std::unique_ptr<PressureDoor> pressure_;
    std::vector<std::string> awaited_;  ///< requests, by the last ask_for()
    std::function<void()> when_settled_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::guest
