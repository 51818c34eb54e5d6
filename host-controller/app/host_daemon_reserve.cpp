#include <spdlog/spdlog.h>
#include <asio/post.hpp>

#include "contract/names.h"
#include "host-controller/app/host_daemon.h"

// Memory for guests that are about to start.
namespace aerostat::host::app {
namespace {

constexpr std::size_t kVerdictsKept = 16;
// From the answer until the hook has ended and libvirt's listings no longer wait for its domain.
constexpr Duration kHookEnds = std::chrono::milliseconds(500);

OperationView watched_only(const ReservationWish& wish, const std::string& why) {
    OperationView view;
    view.command = "reserve";
    view.target = wish.name;
    view.asked = wish.bytes;
    view.detail = "observing (" + why + "): no memory is made free for it";
    return view;
}

}  // namespace

// What is reserved, or lost to bad memory, is nobody's to share out.
HostRules HostDaemon::rules_now() const {
    HostRules rules = config_.rules;
    rules.memory = saturating_sub(rules.memory, reservations_.outstanding() + lost());
    return rules;
}

// Who only watches keeps no domain from starting. Empty: it is for hostd to say whether there is room.
std::string HostDaemon::why_only_watched(const ReservationWish& wish) const {
    if (!wish.hook) return {};
    if (!config_.act) return "mode is advise";
    if (state_.paused) return "paused";
    if (!config_.rules.limits_for(wish.name)) return "no [guest] section names it";
    return {};
}

Result<OperationView> HostDaemon::reserve(ReservationWish wish, std::function<void(const OperationView&)> done) {
    if (const std::string why = why_only_watched(wish); !why.empty()) {
        OperationView view = watched_only(wish, why);
        spdlog::info("reserve for={} bytes={}: {}", printable(wish.name, 64), wish.bytes.count(), view.detail);
        if (done) asio::post(loop_, [done = std::move(done), view] { done(view); });
        return view;
    }
    if (!wish.guest.empty() && !backend_->knows_identity(wish.guest))
        return fail(ErrorCode::bad_value, "guest \"" + printable(wish.guest, 80) + "\" can be none of this host");
    const std::string name = wish.name.empty() ? "nobody" : printable(wish.name, 64);
    const Bytes bytes = wish.bytes;
    auto id = reservations_.open(std::move(wish), clock_.now());
    if (!id) return tl::unexpected(id.error());
    spdlog::info("reserve id={} for={} bytes={}", *id, name, bytes.count());
    if (done) waiting_for_verdict_[*id] = std::move(done);
    keep_quiet_for_hooks();
    decide_soon();
    return view_of(reservations_.all().back());
}

void HostDaemon::review_reservations(const HostSnapshot& picture) {
    note_unmeasured();
    if (backend_ && !reservations_.all().empty()) {
        const Bytes budget = saturating_sub(config_.rules.memory, lost());
        const Bytes capacity = saturating_sub(budget, config_.rules.emergency_reserve);
        ReservationSight sight{picture, capacity, plan_.held, plan_.short_by_as_told, {}};
        if (!config_.act) sight.cannot_squeeze = "mode is advise; set mode = \"act\" and reload";
        if (state_.paused) {
            sight.cannot_squeeze = "paused; `aerostatctl resume` first";
            sight.cannot_reason = EndReason::paused;
        }
        const Unmeasured unmeasured = count_unmeasured();
        sight.cannot_judge = unmeasured.why_not;
        sight.counted_at_most = unmeasured.names;
        sight.held += unmeasured.most;
        sight.listing_owed = backend_->owes_listing();
        for (const ReservationVerdict& verdict : reservations_.review(sight, clock_.now())) tell_verdict(verdict);
    }
    keep_quiet_for_hooks();
}

// What a guest holds that is not measured would be promised to another: after a restart that is all that there is. One that
// cannot be measured at all holds at most what it is made of, or what an operator says that it may.
HostDaemon::Unmeasured HostDaemon::count_unmeasured() const {
    Unmeasured sum;
    if (!backend_->has_listed()) {
        sum.why_not = backend_->name() + " has not told yet which guests there are";
        return sum;
    }
    for (const auto& [id, record] : register_.guests()) {
        if (record.charged) continue;
        const auto since = unmeasured_since_.find(id);
        const bool may_come = since == unmeasured_since_.end() || clock_.now() - since->second < kMeasurable;
        const auto limits = config_.rules.limits_for(record.name);
        std::optional<Bytes> most = backend_->most_of(id);
        if (!most && limits) most = limits->max;
        if (may_come || !most) {
            sum.why_not = "what guest " + record.name + " holds could not be measured yet";
            if (!may_come) sum.why_not += ", and nothing says how much it may: give it a max";
            return sum;
        }
        sum.most += *most;
        sum.names += (sum.names.empty() ? "" : "; ") + record.name +
                     " cannot be measured and counts with all it may hold, " + format_bytes(*most);
    }
    return sum;
}

void HostDaemon::note_unmeasured() {
    const TimePoint now = clock_.now();
    for (const auto& [id, record] : register_.guests()) {
        if (record.charged)
            unmeasured_since_.erase(id);
        else
            unmeasured_since_.try_emplace(id, now);
    }
    std::erase_if(unmeasured_since_, [this](const auto& entry) { return !register_.find(entry.first); });
}

void HostDaemon::tell_verdict(const ReservationVerdict& verdict) {
    const Reservation& one = verdict.reservation;
    OperationView view = view_of(one);
    view.running = false;
    view.obtained = view.verified.emplace(verdict.verified);
    view.shortfall = verdict.shortfall;
    view.reason = verdict.reason;
    view.detail = verdict.detail;
    spdlog::info("reserve {} id={} bytes={} missing_bytes={} elapsed_ms={}: {}", verdict.granted() ? "granted" : "refused",
                 one.id, one.wish.bytes.count(), verdict.shortfall.count(), view.elapsed.count(), verdict.detail);
    if (!verdict.granted()) {
        verdicts_.push_front(view);
        if (verdicts_.size() > kVerdictsKept) verdicts_.pop_back();
    }
    if (one.wish.hook) hook_answered_at_ = clock_.now();
    const auto waiting = waiting_for_verdict_.extract(one.id);
    if (waiting.empty()) return;
    const std::string why = why_only_watched(one.wish);  // since it asked
    waiting.mapped()(verdict.granted() || why.empty() ? view : watched_only(one.wish, why));
}

Status HostDaemon::release_reservation(const std::string& id, const GuestId& guest) {
    const auto verdicts = reservations_.release(id, guest);
    if (!verdicts) return tl::unexpected(verdicts.error());
    spdlog::info("release reservation={}", id.empty() ? printable(guest, 64) : id);
    for (const ReservationVerdict& verdict : *verdicts) tell_verdict(verdict);
    decide_soon();
    return {};
}

OperationView HostDaemon::view_of(const Reservation& one) const {
    OperationView view;
    view.op = one.id;
    view.command = "reserve";
    view.target = one.wish.name;
    view.running = true;
    view.asked = one.wish.bytes;
    view.obtained = one.arrived;
    view.deadline = to_millis(one.wish.deadline);
    view.started_ago = to_millis(clock_.now() - one.began);
    view.elapsed = to_millis(one.granted_at.value_or(clock_.now()) - one.began);
    view.detail = one.granted_at ? "granted; kept until its guest has it, or for " +
                                       format_duration(*one.granted_at + one.wish.hold - clock_.now())
                                 : "others are squeezed for it";
    return view;
}

std::vector<OperationView> HostDaemon::operations() const {
    std::vector<OperationView> views;
    for (const Reservation& one : reservations_.all()) views.push_back(view_of(one));
    views.insert(views.end(), verdicts_.begin(), verdicts_.end());
    const auto moves = operations_.views();
    views.insert(views.end(), moves.begin(), moves.end());
    return views;
}

// The hook runs inside the start of its domain: a listing would wait for it, and it for us.
void HostDaemon::keep_quiet_for_hooks() {
    if (!backend_) return;
    const bool just_answered = hook_answered_at_ && clock_.now() - *hook_answered_at_ < kHookEnds;
    backend_->keep_quiet(reservations_.hook_waits() || just_answered);
}

}  // namespace aerostat::host::app
