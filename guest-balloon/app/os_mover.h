#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "guest-balloon/act/os_balloon.h"
#include "guest-balloon/decide/effects.h"
#include "guest-balloon/decide/os_step.h"
#include "guest-balloon/decide/stall_watch.h"
#include "guest-balloon/sense/worker_pool.h"
#include "procfs/memory_cgroup.h"

namespace aerostat::guest {

/// Moves a container's OS layer step by step, one move at a time, on a thread of its own: the kernel may take its time.
/// Every move answers once, at its deadline at the latest. Thread: the loop's.
class OsMover {
public:
    using OnMoved = std::function<void(const std::string& op, const OsOutcome& outcome)>;
    OsMover(asio::io_context& loop, const Clock& clock, std::shared_ptr<OsBalloon> balloon, procfs::MemoryCgroup cgroup,
            OnMoved on_moved);
    ~OsMover() { *alive_ = false; }
    OsMover(const OsMover&) = delete;
    OsMover& operator=(const OsMover&) = delete;

    /// `reserve`: of page cache, left alone. `has_swap`: a step may reach anonymous memory where the kernel offers no
    /// choice. `unheld`: what the container may hold when it is let go; a target not below it lets it go.
    void move(const MoveOs& order, Bytes reserve, bool has_swap, Bytes unheld);
    void cancel(const CancelOs& order);
    /// What moves may make the guest stall, in seconds a second; `pressure_file` says how much it does.
    void keep_within(double stall_budget, std::string pressure_file);
    /// Once a second, with what a refault costs where that was learned: a hold that makes the guest stall beyond the budget
    /// is eased, and goes where it would come to `unheld`.
    void watch(const StallSight& seen, std::optional<double> price, Bytes unheld);
    /// The guest stalls: a move ends and holds nothing. Allocates nothing.
    void pressure() noexcept;
    /// Takes a little page cache, to learn what it is worth; nothing where that needs a limit.
    void probe(Bytes bytes);
    [[nodiscard]] bool is_moving() const { return move_ != nullptr; }

private:
    struct Move {
        MoveOs order;
        Bytes reserve;
        bool has_swap = false;
        Bytes unheld;
        TimePoint deadline;
        std::optional<Bytes> held_before;
        std::optional<procfs::CgroupMemory> first;
        procfs::CgroupMemory last;
        std::optional<Bytes> held_by_step;  ///< what the container held before the last step
        int fruitless = 0;
        bool pressure = false;
        std::optional<OnShortfall> cancelled;
        bool answered = false;
        StallWatch stalls;
        TimePoint took_at;  ///< last
    };
    using Action = std::function<Status(OsBalloon&, std::uint64_t decided_at)>;
    using Then = std::function<void(const Result<procfs::CgroupMemory>& seen, const Status& done)>;
    /// What becomes of the hold when a move ends.
    enum class Hold { stays, changes, goes };
    [[nodiscard]] bool act(const std::shared_ptr<Move>& move, Action action, Then then);
    void look(const std::shared_ptr<Move>& move, Action action);
    void looked(const std::shared_ptr<Move>& move, const Result<procfs::CgroupMemory>& seen, const Status& done);
    void too_late(const std::shared_ptr<Move>& move, bool seen);
    void step(const std::shared_ptr<Move>& move);
    [[nodiscard]] OsStep next_step(Move& move) const;
    void after(Duration pause, const std::shared_ptr<Move>& move, Action action);
    void finish(const std::shared_ptr<Move>& move, EndReason reason, const std::string& detail, Hold hold, Bytes most = {});
    void answer(Move& move, EndReason reason, const std::string& detail);
    [[nodiscard]] Bytes limit_of(const Move& move) const;

    const Clock& clock_;
    std::shared_ptr<OsBalloon> balloon_;
    procfs::MemoryCgroup cgroup_;
    OnMoved on_moved_;
    std::shared_ptr<Move> move_;
    asio::steady_timer deadline_timer_;
    asio::steady_timer pause_timer_;
    std::optional<double> stall_budget_;
    std::string pressure_file_;
    std::optional<double> price_;  ///< of a refault
    StallWatch held_stalls_;       ///< while nothing moves
    TimePoint eased_at_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    WorkerPool pool_;  // last: its threads end first
};

}  // namespace aerostat::guest
