#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "contract/error.h"
#include "contract/units.h"
#include "guest-balloon/decide/process_identity.h"
#include "guest-balloon/sense/worker_pool.h"

namespace aerostat::guest {

struct PssReading {
    Bytes pss;
    Duration cost{};  ///< time the reading took, for pacing
};

/// Measures the proportional set size of processes (/proc/PID/smaps_rollup) on the worker pool; one reading outstanding a
/// process. Thread: the loop's.
class PssMeter {
public:
    using OnReading = std::function<void(Result<PssReading>)>;
    explicit PssMeter(WorkerPool& pool) : pool_(pool) {}
    ~PssMeter() { *alive_ = false; }
    PssMeter(const PssMeter&) = delete;
    PssMeter& operator=(const PssMeter&) = delete;

    /// A reading that begins after this call; `on_reading` is called from the loop, never from inside.
    /// Fails (to on_reading): `not_found` (the process has ended, or is another by now), `denied` (another user's process
    /// and we are not root), `busy` (too many readings wait), `io`. If the kernel hangs, on_reading is never called.
    void measure(const ProcessIdentity& process, OnReading on_reading);
    [[nodiscard]] bool is_busy_with(const ProcessIdentity& process) const { return outstanding_.contains(key(process)); }

private:
    struct Outstanding {
        std::vector<OnReading> served;   ///< by the reading that runs
        std::vector<OnReading> waiting;  ///< for one that begins after it
    };
    using Key = std::pair<pid_t, std::uint64_t>;
    static Key key(const ProcessIdentity& process) { return {process.pid, process.start_ticks}; }
    static constexpr std::size_t kMostWaiting = 8;  ///< a process
    void start(const ProcessIdentity& process);
    void finished(const ProcessIdentity& process, const Result<PssReading>& reading);

    WorkerPool& pool_;
    std::map<Key, Outstanding> outstanding_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// Who the process of this pid is. start_ticks stays 0 if /proc does not tell.
[[nodiscard]] ProcessIdentity identify_process(pid_t pid, uid_t uid);
/// False once it has ended (a zombie has) or its pid belongs to another process.
[[nodiscard]] bool is_alive(const ProcessIdentity& process);

}  // namespace aerostat::guest
