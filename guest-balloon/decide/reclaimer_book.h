#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "contract/messages.h"
#include "guest-balloon/decide/offers.h"
#include "guest-balloon/decide/process_identity.h"
#include "guest-balloon/decide/reclaimer_truth.h"

namespace aerostat::guest {

struct ReclaimerLimits {
    std::size_t in_all = 256;
    std::size_t of_one_connection = 32;
    std::size_t of_one_user = 64;  ///< root is exempt
};

/// One request to an application.
struct AskReclaimer {
    ConnectionId to = 0;
    std::string id;
    Reclaim order;
};

/// The caches and pools that applications have registered, and what they were asked. What they say is a claim: it decides
/// who is asked next, and how far it is counted on beforehand is measured (ReclaimerTruth); whether memory came free is
/// seen by the guest's own sensors. Total over anything an application can say, and bounded. Pure. Thread: owner's.
class ReclaimerBook {
public:
    explicit ReclaimerBook(ReclaimerLimits limits = {}) : limits_(limits) {}

    /// Registers, or takes new figures. Fails: `busy` (no place left; the message says whose limit).
    /// `who`: who the kernel says is at the other end. A new reclaimer of a user who left without keeping a promise begins
    /// at the end, and is not counted on.
    [[nodiscard]] Status put(ConnectionId from, const ProcessIdentity& who, const ReclaimerFigures& figures);
    void forget(ConnectionId from, const std::string& name);
    void lost(ConnectionId connection);
    /// A request that could not be sent: nobody has it.
    void withdraw(const AskReclaimer& request);
    /// The answer to a request of ours; others are ignored.
    void answered(ConnectionId from, const std::string& id, const Reclaimed& answer, TimePoint now);

    /// Who is to be asked so that `wanted` comes together by the deadline: the cheapest first, those of unknown price behind
    /// them, those that did not answer last time, or had nothing of what they claimed, at the end; nobody twice at once.
    /// What was asked, as far as it is believed, or released during the last two seconds counts: the sensors have not seen
    /// it yet. `others` are left out of both: processes whose memory would not help.
    [[nodiscard]] std::vector<AskReclaimer> ask(Bytes wanted, TimePoint deadline, TimePoint now,
                                                const std::set<pid_t>& others = {});

    /// What was asked and is neither answered nor given up, but for `others`.
    [[nodiscard]] std::vector<std::string> open_requests(const std::set<pid_t>& others = {}) const;

    using Holds = ReclaimerTruth::Holds;
    /// Looks at the processes at the other ends: once a second.
    void look(const Holds& holds, TimePoint now);
    /// What can be counted on of what processes say, but for `others`: those whose memory is another layer's.
    [[nodiscard]] CostCurve offers(const std::set<pid_t>& others) const;

    [[nodiscard]] std::size_t size() const { return reclaimers_.size(); }
    [[nodiscard]] Bytes releasable() const;
    [[nodiscard]] Bytes released() const { return released_; }  ///< since the daemon started, as claimed

private:
    struct Request {
        std::string id;
        Bytes wanted;
        TimePoint over;
    };
    struct Reclaimer {
        ReclaimerFigures figures;
        uid_t user = 0;
        pid_t process = 0;
        std::optional<Request> request;
        TimePoint not_before;
        bool is_slow = false;
        Bytes lately;  ///< released at `lately_at`
        TimePoint lately_at;
    };
    using Key = std::pair<ConnectionId, std::string>;
    void erase(std::map<Key, Reclaimer>::iterator which);
    [[nodiscard]] Status has_place(ConnectionId from, uid_t user) const;
    void note_answered(pid_t process, TimePoint now);
    [[nodiscard]] double kept_of_asked(pid_t process) const;
    void give_up_waiting(TimePoint now);
    [[nodiscard]] Bytes under_way(TimePoint now, const std::set<pid_t>& others) const;
    [[nodiscard]] std::vector<std::pair<const Key, Reclaimer>*> candidates(TimePoint now, const std::set<pid_t>& others);

    ReclaimerLimits limits_;
    std::map<Key, Reclaimer> reclaimers_;
    std::set<uid_t> slow_users_;  ///< of whom one has left without having kept its promise; bounded
    ReclaimerTruth truth_;
    Bytes released_;
    std::uint64_t next_id_ = 1;
};

}  // namespace aerostat::guest
