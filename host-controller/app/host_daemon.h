#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "application-balloon/link/line_caller.h"
#include "daemon/control_server.h"
#include "host-controller/act/application_balloons.h"
#include "host-controller/act/balloon_mover.h"
#include "host-controller/act/operations.h"
#include "host-controller/app/config.h"
#include "host-controller/app/history_files.h"
#include "host-controller/app/history_record.h"
#include "host-controller/app/kept_state.h"
#include "host-controller/app/watched_balloons.h"
#include "host-controller/backend/backend.h"
#include "host-controller/control/desk.h"
#include "host-controller/decide/balloon_watch.h"
#include "host-controller/decide/reservations.h"
#include "host-controller/metrics/scrape_door.h"
#include "host-controller/metrics/tally.h"
#include "host-controller/sense/guest_register.h"
#include "wire/retry_timer.h"

namespace aerostat::host::app {

/// aerostat-hostd: wires sensing, deciding, acting and the operators' desk together.
///
/// Once a second, and at once when a guest joins, leaves, reports pressure or a result: snapshot -> decide -> orders.
/// Thread: loop thread owns everything here; what may be slow, such as measuring, the backend does elsewhere.
class HostDaemon final : public control::Host {
public:
    HostDaemon(asio::io_context& loop, HostConfig config, const Clock& clock);
    ~HostDaemon() override;

    /// Opens the doors and begins. Fails: as Backend::open, daemon::prepare_runtime_directory, group_by_name.
    [[nodiscard]] Status open();
    /// Takes over what may change while running; the sentences say what needs a restart.
    [[nodiscard]] std::vector<std::string> reconfigure(HostConfig config);
    /// Remembered and shown in status until the next good reload.
    void note_bad_reload(const std::string& problem) { bad_reload_ = problem; }
    /// Closes the doors; guests hold what they have.
    void stop();

    // control::Host
    [[nodiscard]] HostSnapshot seen() const override;
    [[nodiscard]] HostPlan dry_run() const override;
    [[nodiscard]] const HostState& state() const override { return state_; }
    [[nodiscard]] const HostRules& rules() const override { return config_.rules; }
    [[nodiscard]] bool acts() const override { return config_.act; }
    [[nodiscard]] StatusView status_frame() const override;
    [[nodiscard]] const GuestReport* report_of(const GuestId& guest) const override;
    [[nodiscard]] std::optional<control::OsSize> os_size_of(const GuestId& guest) const override;
    [[nodiscard]] Millis report_age(const GuestId& guest) const override;
    [[nodiscard]] std::vector<OperationView> operations() const override;
    OperationView carry_out(control::Errand errand, std::function<void(const OperationView&)> done) override;
    [[nodiscard]] Result<OperationView> cancel(const std::string& op) override;
    void pause(const std::optional<GuestId>& guest) override;
    void resume(const std::optional<GuestId>& guest) override;
    std::size_t end_all_ceilings() override;
    Result<OperationView> reserve(ReservationWish wish, std::function<void(const OperationView&)> done) override;
    [[nodiscard]] bool knows_reservation(const std::string& id) const override { return reservations_.knows(id); }
    [[nodiscard]] Status release_reservation(const std::string& id, const GuestId& guest) override;
    [[nodiscard]] std::vector<std::string> notes_on(const GuestId& guest) const override;
    [[nodiscard]] std::vector<Finding> examine() const override;
    [[nodiscard]] Bytes reserved() const override { return reservations_.outstanding(); }
    [[nodiscard]] Bytes lost() const override;

private:
    // What happens to guests (host_daemon_events.cpp).
    void take_event(const GuestId& guest, const GuestEvent& event);
    void take_balloon_sight(const GuestId& guest, Bytes actual);
    void stop_moving(const GuestId& guest);
    [[nodiscard]] std::string why_left_alone(const GuestId& guest) const;
    void count_lost_memory();

    // Memory for guests that are about to start (host_daemon_reserve.cpp).
    [[nodiscard]] HostRules rules_now() const;
    void review_reservations(const HostSnapshot& picture);
    static constexpr Duration kMeasurable = std::chrono::seconds(30);  ///< who was not measured by then may never be
    struct Unmeasured {
        std::string why_not;  ///< nothing can be judged
        std::string names;    ///< who counts with all that it may hold
        Bytes most;           ///< they together
    };
    [[nodiscard]] Unmeasured count_unmeasured() const;
    void note_unmeasured();
    [[nodiscard]] std::string why_only_watched(const ReservationWish& wish) const;
    void tell_verdict(const ReservationVerdict& verdict);
    [[nodiscard]] OperationView view_of(const Reservation& one) const;
    void keep_quiet_for_hooks();

    // Guests' side (host_daemon_guests.cpp).
    [[nodiscard]] Backend::Handlers guest_handlers();
    void joined(const GuestId& guest);
    void take(const GuestId& guest, Message message);
    void take_report(const GuestId& guest, GuestReport report);
    void take_pressure(const GuestId& guest, const Pressure& pressure);
    void lost(const GuestId& guest, const Error& why);
    /// Before and after an operation, and in an emergency; a glance does where it is only to be known.
    void measure(const GuestId& guest, std::function<void(std::optional<Bytes>)> answer, Look look = Look::closely);
    void glance(const GuestId& guest, std::function<void(std::optional<Bytes>)> answer) {
        measure(guest, std::move(answer), Look::glance);
    }
    void measured(const GuestId& guest, const Result<GuestResidency>& seen);
    void send_condition(const GuestId& guest);
    void tell_its_share(const GuestId& guest, HostCondition& condition) const;
    void look_at_balloon(const GuestId& guest);
    void rescue(const GuestId& guest, const std::string& jvm, Bytes wanted);

    // Their OS balloons (host_daemon_balloons.cpp).
    void open_balloons(OsBalloons& virtio);
    void open_punch();
    [[nodiscard]] bool has_application_balloon(const std::string& name) const;
    [[nodiscard]] std::function<void(Duration, std::function<void()>)> timers();
    [[nodiscard]] std::unique_ptr<act::ApplicationBalloons> make_application_balloons(OsBalloons& virtio);
    [[nodiscard]] std::unique_ptr<act::BalloonMover> make_mover(OsBalloons& balloons);
    void follow_with_balloon(act::OperationOrder& order) const;
    void follow_with_os_layer(act::OperationOrder& order, const GuestSeen& guest) const;

    // The policy (host_daemon.cpp).
    [[nodiscard]] std::unique_ptr<Backend> make_backend(std::optional<gid_t> guest_group);
    [[nodiscard]] Status recall();
    void tick();
    void decide_soon();
    void decide_now();
    void send_orders(const HostPlan& plan);
    void settle(const act::EndedOperation& ended);
    void learn_from(const act::EndedOperation& ended);
    void log_edges(const HostPlan& plan);
    void renew_leases();
    void keep();
    void open_history(const std::optional<gid_t>& read_group, const std::optional<gid_t>& operate_group);
    void remember(const HostSnapshot& seen, const HostState& before, TimePoint now);
    [[nodiscard]] bool worth_remembering(TimePoint now) const;
    void watch_operations();
    [[nodiscard]] bool settling(TimePoint now) const;
    [[nodiscard]] Moment moment() const { return {clock_.now(), std::chrono::system_clock::now()}; }
    [[nodiscard]] std::string name_of(const GuestId& guest) const;

    // For Prometheus (host_daemon_metrics.cpp).
    void open_metrics();
    [[nodiscard]] std::string metrics_page() const;

    // Operators' side (host_daemon_desk.cpp).
    void squeeze_ended(const act::EndedOperation& ended, std::optional<Millis> hold);

    asio::io_context& loop_;
    HostConfig config_;
    const Clock& clock_;
    sense::GuestRegister register_;
    std::unique_ptr<Backend> backend_;
    std::unique_ptr<balloon::LineCaller> punch_;                      ///< from the first use on
    std::unique_ptr<act::ApplicationBalloons> application_balloons_;  ///< the backend's, with those that need no driver
    std::unique_ptr<WatchedBalloons> balloons_;                       ///< these, watched; absent: guests have no OS balloon
    std::unique_ptr<act::BalloonMover> mover_;                        ///< absent: guests have no OS balloon
    act::Operations operations_;
    HostState state_;
    HostPlan plan_;
    BalloonWatch watch_;
    Reservations reservations_;
    std::map<std::string, std::function<void(const OperationView&)>> waiting_for_verdict_;  ///< by reservation
    std::deque<OperationView> verdicts_;                                                    ///< the last ones, newest first
    std::optional<TimePoint> hook_answered_at_;
    std::map<GuestId, TimePoint> unmeasured_since_;
    std::map<GuestId, std::uint64_t> memory_failures_;
    std::map<GuestId, std::string> last_failure_;
    Bytes lost_on_host_;  ///< what the kernel has taken out of use
    KeptFile kept_;
    std::string boot_ = boot_id();
    std::unique_ptr<HistoryWriter> history_;  ///< absent: none is kept
    std::vector<LayerPlan> remembered_;       ///< of the last record, what was ordered
    std::string remembered_level_;
    std::optional<TimePoint> remembered_at_;
    std::string bad_history_;
    TimePoint started_;
    TimePoint leases_at_;
    std::set<GuestId> awaited_;    ///< known from before the restart, not back yet
    std::set<std::string> stuck_;  ///< already warned about
    std::set<GuestId> unreadable_;
    std::set<GuestId> looking_;  ///< whose OS balloon is being asked for
    std::set<LayerKey> crying_;  ///< pressure whose measurement is under way
    std::string bad_reload_;
    std::string bad_kept_state_;
    bool soon_ = false;
    asio::steady_timer tick_timer_;
    asio::steady_timer soon_timer_;
    asio::steady_timer operations_timer_;
    std::unique_ptr<daemon::ControlServer> control_;
    metrics::Tally tally_;
    std::optional<TimePoint> tick_due_;
    double started_unix_s_ = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    std::unique_ptr<metrics::ScrapeDoor> scrape_door_;  ///< absent: no metrics, or the address is taken
    std::string bad_metrics_;
    wire::RetryTimer metrics_retry_;
};

}  // namespace aerostat::host::app
