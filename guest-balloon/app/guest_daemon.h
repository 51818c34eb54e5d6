#pragma once

#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "guest-balloon/act/courier.h"
#include "guest-balloon/app/application_balloon.h"
#include "guest-balloon/app/applications.h"
#include "guest-balloon/app/config.h"
#include "guest-balloon/app/guard.h"
#include "guest-balloon/app/os_layer.h"
#include "guest-balloon/app/pss_rota.h"
#include "guest-balloon/app/requests.h"
#include "guest-balloon/link/agent_server.h"
#include "guest-balloon/link/host_client.h"
#include "guest-balloon/sense/clocks.h"
#include "guest-balloon/sense/pss_meter.h"
#include "guest-balloon/sense/worker_pool.h"

namespace aerostat::guest {

/// The daemon put together: doors, instruments and timers around one GuestState. Thread: the loop's.
class GuestDaemon {
public:
    GuestDaemon(asio::io_context& loop, GuestdConfig config, const Clock& clock);
    ~GuestDaemon();
    GuestDaemon(const GuestDaemon&) = delete;
    GuestDaemon& operator=(const GuestDaemon&) = delete;

    /// Opens the sockets and starts. Fails: `busy` (another daemon serves this directory), `bad_value`, `not_found` (a
    /// group), `io`.
    [[nodiscard]] Status open();
    /// What the system does not let us do for our own safety; shown in status.
    void note_unprotected(std::vector<std::string> what) { unprotected_ = std::move(what); }
    /// Takes over what may change while running. Returns the keys that need a restart.
    [[nodiscard]] std::vector<std::string> reload(const GuestdConfig& wanted);
    /// Ends in good order and then stops the loop. Agents hold what they were told.
    void stop();

private:
    // Events.
    [[nodiscard]] Result<Welcome> agent_hello(ConnectionId from, const wire::PeerCredentials& peer, const Hello& hello);
    void agent_said(ConnectionId from, const Message& message);
    void agent_gone(ConnectionId from, const Error& why);
    void host_welcomed(const std::string& session, const Welcome& welcome);
    void host_said(const Message& message);
    void host_condition(const HostCondition& condition);
    void host_lost(const Error& why);
    void open_application_balloon();
    void balloon_words(const BalloonWords& words);
    void every_second();
    void operations_due();
    void measure_next();
    void look_around();
    void ask_for_what_goes();
    void look_at_time();
    void pressure(Stalled who);
    [[nodiscard]] bool shares_machine() const noexcept;
    void after_pressure(const Guard::Shot& shot);
    void arm_guard();

    // Effects.
    void carry_out(Effects& effects);
    void carry_out(const OrderAgent& order);
    void carry_out(const CancelAgent& cancel);
    void carry_out(const DropConnection& drop);
    void carry_out(const Measure& measure);
    void carry_out(const AskApplications& ask);
    void carry_out(const MoveOs& move) { os_.move(move, state_.reserve()); }
    void carry_out(const CancelOs& cancel) { os_.cancel(cancel); }
    void carry_out(const OperationEnded& ended);
    void carry_out(const ForwardPressure& forward);

    [[nodiscard]] Status open_control();
    void report_to_host(bool at_once);
    void deliver_results();
    void arm_operation_timer();
    void log_edges();
    [[nodiscard]] LinkFacts links() const;
    [[nodiscard]] std::string path(const char* file) const { return config_.runtime_dir + "/" + file; }

    asio::io_context& loop_;
    GuestdConfig config_;
    const Clock& clock_;
    GuestState state_;
    Requests requests_;
    Courier courier_;
    PssRota rota_;
    Applications applications_;
    asio::steady_timer second_timer_;
    asio::steady_timer operation_timer_;
    asio::steady_timer measure_timer_;
    WorkerPool pool_;
    PssMeter meter_;
    std::unique_ptr<AgentServer> agents_;
    std::unique_ptr<daemon::ControlServer> control_;
    std::unique_ptr<HostClient> host_;
    std::unique_ptr<ApplicationBalloon> application_balloon_;  ///< absent: switched off
    OsLayer os_;
    Guard guard_;
    JumpWatch jumps_;
    std::vector<std::string> unprotected_;
    std::vector<std::string> degraded_;
    std::vector<std::string> degraded_logged_;
    Superior superior_logged_ = Superior::none;
    TimePoint reported_at_;
    bool stopping_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::guest
