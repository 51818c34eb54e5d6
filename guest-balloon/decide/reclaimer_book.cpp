#include "guest-balloon/decide/reclaimer_book.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace aerostat::guest {
namespace {

using namespace literals;

constexpr Duration kGrace = std::chrono::seconds(1);          // beyond the deadline, for an answer
constexpr Duration kUntilSeen = std::chrono::seconds(2);      // until the sensors show what was released
constexpr Duration kBetween = std::chrono::seconds(1);        // two requests to the same
constexpr Duration kAfterNothing = std::chrono::seconds(10);  // one that had nothing to give is left alone
constexpr Bytes kLeast = 64_KiB;                              // less is not worth the trouble

double price_of(const ReclaimerFigures& figures) { return figures.price.value_or(std::numeric_limits<double>::max()); }

}  // namespace

Status ReclaimerBook::put(ConnectionId from, const ProcessIdentity& who, const ReclaimerFigures& figures) {
    const auto known = reclaimers_.find({from, figures.reclaimer});
    if (known != reclaimers_.end()) {
        known->second.figures = figures;
        return {};
    }
    if (auto place = has_place(from, who.uid); !place) return place;
    Reclaimer& added = reclaimers_[{from, figures.reclaimer}];
    added.figures = figures;
    added.user = who.uid;
    added.process = who.pid;
    added.is_slow = slow_users_.contains(who.uid);
    truth_.knows(who.pid, who.uid, added.is_slow ? 0 : ReclaimerTruth::kUntried);
    return {};
}

Status ReclaimerBook::has_place(ConnectionId from, uid_t user) const {
    const auto of_connection =
        std::count_if(reclaimers_.begin(), reclaimers_.end(), [&](const auto& entry) { return entry.first.first == from; });
    const auto of_user =
        std::count_if(reclaimers_.begin(), reclaimers_.end(), [&](const auto& entry) { return entry.second.user == user; });
    if (static_cast<std::size_t>(of_connection) >= limits_.of_one_connection)
        return fail(ErrorCode::busy,
                    "a connection may register " + std::to_string(limits_.of_one_connection) + " reclaimers");
    if (user != 0 && static_cast<std::size_t>(of_user) >= limits_.of_one_user)
        return fail(ErrorCode::busy, "a user may register " + std::to_string(limits_.of_one_user) + " reclaimers");
    if (reclaimers_.size() >= limits_.in_all)
        return fail(ErrorCode::busy, "all " + std::to_string(limits_.in_all) + " places for reclaimers are taken");
    return {};
}

void ReclaimerBook::forget(ConnectionId from, const std::string& name) {
    if (const auto found = reclaimers_.find({from, name}); found != reclaimers_.end()) erase(found);
}

// Leaving is no way to the front of the queue, whether under another name or by another connection.
void ReclaimerBook::erase(std::map<Key, Reclaimer>::iterator which) {
    const Reclaimer& leaving = which->second;
    if (leaving.is_slow || leaving.request) {
        if (slow_users_.size() >= limits_.in_all) slow_users_.erase(slow_users_.begin());
        slow_users_.insert(leaving.user);
    }
    reclaimers_.erase(which);
}

void ReclaimerBook::lost(ConnectionId connection) {
    for (auto it = reclaimers_.lower_bound({connection, {}}); it != reclaimers_.end() && it->first.first == connection;)
        erase(it++);
}

void ReclaimerBook::withdraw(const AskReclaimer& request) {
    const auto found = reclaimers_.find({request.to, request.order.reclaimer});
    if (found == reclaimers_.end() || !found->second.request || found->second.request->id != request.id) return;
    found->second.request.reset();
}

void ReclaimerBook::answered(ConnectionId from, const std::string& id, const Reclaimed& answer, TimePoint now) {
    const auto found = reclaimers_.find({from, answer.reclaimer});
    if (found == reclaimers_.end() || !found->second.request || found->second.request->id != id) return;
    Reclaimer& reclaimer = found->second;
    // Nobody releases more than it held, whatever it says.
    const Bytes released = std::min(answer.released, std::max(reclaimer.figures.releasable, reclaimer.request->wanted));
    reclaimer.request.reset();
    reclaimer.is_slow = released < kLeast;
    reclaimer.lately = released;
    reclaimer.lately_at = now;
    reclaimer.not_before = now + (released < kLeast ? kAfterNothing : kBetween);
    reclaimer.figures.releasable = saturating_sub(reclaimer.figures.releasable, released);
    released_ += released;
    note_answered(reclaimer.process, now);
}

void ReclaimerBook::note_answered(pid_t process, TimePoint now) {
    const bool owes = std::any_of(reclaimers_.begin(), reclaimers_.end(), [process](const auto& entry) {
        return entry.second.process == process && entry.second.request;
    });
    if (!owes) truth_.answered(process, now);
}

void ReclaimerBook::give_up_waiting(TimePoint now) {
    for (auto& [key, reclaimer] : reclaimers_) {
        if (!reclaimer.request || now < reclaimer.request->over) continue;
        reclaimer.request.reset();
        reclaimer.is_slow = true;
        reclaimer.not_before = now + kBetween;
    }
}

Bytes ReclaimerBook::under_way(TimePoint now, const std::set<pid_t>& others) const {
    Bytes sum;
    for (const auto& [key, reclaimer] : reclaimers_) {
        if (others.contains(reclaimer.process)) continue;
        if (reclaimer.request) sum += share_of(reclaimer.request->wanted, kept_of_asked(reclaimer.process));
        if (now - reclaimer.lately_at < kUntilSeen) sum += reclaimer.lately;
    }
    return sum;
}

std::vector<std::pair<const ReclaimerBook::Key, ReclaimerBook::Reclaimer>*> ReclaimerBook::candidates(
    TimePoint now, const std::set<pid_t>& others) {
    std::vector<std::pair<const Key, Reclaimer>*> found;
    for (auto& entry : reclaimers_) {
        const Reclaimer& reclaimer = entry.second;
        if (others.contains(reclaimer.process)) continue;
        if (!reclaimer.request && now >= reclaimer.not_before && reclaimer.figures.releasable >= kLeast)
            found.push_back(&entry);
    }
    std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) {
        return std::tuple(a->second.is_slow, price_of(a->second.figures)) <
               std::tuple(b->second.is_slow, price_of(b->second.figures));
    });
    return found;
}

std::vector<AskReclaimer> ReclaimerBook::ask(Bytes wanted, TimePoint deadline, TimePoint now,
                                             const std::set<pid_t>& others) {
    give_up_waiting(now);
    Bytes missing = saturating_sub(wanted, under_way(now, others));
    std::vector<AskReclaimer> requests;
    for (auto* entry : candidates(now, others)) {
        if (missing < kLeast) break;
        auto& [key, reclaimer] = *entry;
        const double kept = kept_of_asked(reclaimer.process);
        const Bytes share = std::min(share_of(missing, 1 / kept), reclaimer.figures.releasable);
        const Millis within = std::max(Millis(1), to_millis(deadline - now));
        reclaimer.request = Request{"r" + std::to_string(next_id_++), share, now + within + kGrace};
        requests.push_back({key.first, reclaimer.request->id, Reclaim{key.second, share, within}});
        truth_.asked(reclaimer.process, share, reclaimer.request->over);
        missing = saturating_sub(missing, share_of(share, kept));
    }
    return requests;
}

std::vector<std::string> ReclaimerBook::open_requests(const std::set<pid_t>& others) const {
    std::vector<std::string> ids;
    for (const auto& [key, reclaimer] : reclaimers_) {
        if (reclaimer.request && !others.contains(reclaimer.process)) ids.push_back(reclaimer.request->id);
    }
    return ids;
}

// Of whom it is known that a part of it comes, more is asked. Of whom nothing comes, no more than of anybody.
double ReclaimerBook::kept_of_asked(pid_t process) const {
    constexpr double kLeastKept = 1.0 / 8;
    const double credit = truth_.credit(process);
    return truth_.is_tried(process) && credit >= kLeastKept ? credit : 1.0;
}

void ReclaimerBook::look(const Holds& holds, TimePoint now) {
    std::map<pid_t, uid_t> processes;
    std::set<pid_t> here;
    for (const auto& [key, reclaimer] : reclaimers_) {
        processes[reclaimer.process] = reclaimer.user;
        here.insert(reclaimer.process);
    }
    truth_.keep_only(here, holds, now);
    // A user is cleared by what was measured, not by its own word.
    for (const auto& [process, user] : processes) {
        if (truth_.looked(process, holds(process), now).value_or(0) >= ReclaimerTruth::kUntried) slow_users_.erase(user);
    }
}

CostCurve ReclaimerBook::offers(const std::set<pid_t>& others) const {
    struct Offer {
        double price;
        pid_t process;
        Bytes bytes;
    };
    std::vector<Offer> all;
    for (const auto& [key, reclaimer] : reclaimers_) {
        const double credit = truth_.credit(reclaimer.process);
        const Bytes bytes = share_of(reclaimer.figures.releasable, credit);
        if (bytes < kLeast || others.contains(reclaimer.process)) continue;
        // What is lost with all of it, for the part of it that comes.
        all.push_back({reclaimer.figures.price.value_or(kUnpricedOfferPerGib) / credit, reclaimer.process, bytes});
    }
    std::stable_sort(all.begin(), all.end(), [](const Offer& a, const Offer& b) { return a.price < b.price; });
    std::map<pid_t, Bytes> counted;
    CostCurve sum;
    for (const Offer& offer : all) {
        Bytes& of_process = counted[offer.process];
        const Bytes bytes = std::min(offer.bytes, saturating_sub(truth_.holds(offer.process), of_process));
        of_process += bytes;
        if (!bytes.is_zero()) sum = merge(sum, offer_of(bytes, offer.price));
    }
    return sum;
}

Bytes ReclaimerBook::releasable() const {
    Bytes sum;
    for (const auto& [key, reclaimer] : reclaimers_) sum += reclaimer.figures.releasable;
    return sum;
}

}  // namespace aerostat::guest
