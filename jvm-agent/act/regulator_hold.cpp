#include <algorithm>

#include "jvm-agent/act/regulator.h"
#include "jvm-agent/decide/sizing.h"

// What is done between operations: the target is held, and pages that came back are released again.
namespace aerostat::agent {
namespace {

constexpr Duration kIdle = std::chrono::seconds(1);
constexpr Duration kSoon = std::chrono::milliseconds(20);
constexpr Duration kPassEvery = std::chrono::seconds(20);
constexpr std::size_t kChunksAPass = 64;
/// One burst of chunks in the background. Long bursts, because each starts a concurrent cycle, whatever its size.
constexpr Duration kBurst = std::chrono::milliseconds(40);
constexpr Duration kDearestCycle = std::chrono::milliseconds(400);
constexpr double kBeyondTarget = 1.05;
/// Under load chunks take room that the collector needs: it commits more, and that would need more of them.
constexpr double kLeftToRemarks = 1.08;
constexpr Duration kBetweenDrives = std::chrono::seconds(10);
constexpr Duration kAfterVainDrive = std::chrono::minutes(1);
constexpr Duration kBetweenVainDrives = std::chrono::minutes(10);
/// Smaller gaps than this between the balloon and its goal are left alone.
constexpr std::uint64_t kWorthwhileRegions = 2;
constexpr Bytes kGap = Bytes(16ULL << 20);
constexpr double kGapShare = 0.05;

}  // namespace

/// Firmly, a balloon of all that the target does not leave; elastically, only what is resident beyond the target.
Bytes Regulator::missing_balloon() const {
    const Bytes missing = saturating_sub(limit(), balloon_.size().granted);
    if (cap_ != Cap::elastic) return missing;
    return std::min(missing, round_up(saturating_sub(footprint_, target_->footprint), facts_.region));
}

/// While no more than the target is resident a gap waits until it is worth the cycle that filling it starts.
Bytes Regulator::least_burst() const {
    const Bytes least = facts_.region * (facts_.old ? 1 : kWorthwhileRegions);
    const bool can_wait = target_ && cap_ == Cap::firm && !facts_.old && footprint_ <= target_->footprint;
    return can_wait ? std::max(least, std::min(kGap, share_of(target_->footprint, kGapShare))) : least;
}

Duration Regulator::hold_target() {
    if (!target_ || yielded_ || broken_) return kIdle;
    if (drive_.goal) return kSoon;  // what was let go is for the collector
    const TimePoint now = ports_.clock.now();
    if (!guard_.may_inflate(now)) return std::min(kIdle, guard_.wait(now));
    if (is_held_down() && facts_.committed <= share_of(target_->footprint, kLeftToRemarks) + balloon_.size().granted)
        return kIdle;
    const Bytes wanted = std::min(missing_balloon(), room());
    if (wanted < least_burst()) return kIdle;
    charge_cycle_of_last_burst();
    const Bytes owes = owed();
    if (cap_ != Cap::hard && owes.is_zero() && !budget_.may_work(now)) return std::min(kIdle, budget_.wait(now));
    burst_marking_cpu_ = ports_.marking_cpu();
    const Bytes before = balloon_.size().granted;
    inflate_slice(owes.is_zero() ? wanted : std::min(wanted, owes), kBurst);
    if (!owes.is_zero()) footprint_ = saturating_sub(footprint_, saturating_sub(balloon_.size().granted, before));
    return cap_ == Cap::hard ? Duration::zero() : kSoon;
}

/// A burst starts a concurrent cycle; it was for us, so it is paid from our budget. Not more than one: a program that marks
/// all the time must not keep the balloon waiting for ever.
void Regulator::charge_cycle_of_last_burst() {
    if (!burst_marking_cpu_) return;
    budget_.spent(std::min(ports_.marking_cpu() - *burst_marking_cpu_, kDearestCycle));
    burst_marking_cpu_.reset();
}

/// The heap has grown past its target without having outgrown it: the collector's levers once more.
Duration Regulator::squeeze_again() {
    const TimePoint now = ports_.clock.now();
    if (!target_ || yielded_ || broken_ || drive_.phase == LeverPhase::working || !guard_.may_inflate(now)) return kIdle;
    if (leisure_.has_steps_to_come(leisure_sight(), now)) return kIdle;
    const bool beyond = footprint_ > share_of(target_->footprint, kBeyondTarget) + facts_.region * kWorthwhileRegions;
    // Right after collections any heap is within its target: that is no success of a drive that has brought nothing.
    if (!beyond && !drove_in_vain_) between_drives_ = kBetweenDrives;
    const Duration wait = drove_in_vain_ ? std::max(between_drives_, kAfterVainDrive) : between_drives_;
    if (!beyond || now - drive_.began < wait || !is_worth_cycles(*target_) || !budget_.may_work(now)) return kIdle;
    between_drives_ =
        std::clamp(wait * 2, kBetweenDrives, kBetweenVainDrives);  // cycles cost the program: not in vain for ever
    pull_levers();
    return kSoon;
}

Duration Regulator::pass_over_chunks() {
    if (balloon_.count() == 0) return kIdle;
    const TimePoint now = ports_.clock.now();
    const bool stress = rules_.stress_passes;
    const bool rests = now - passed_at_ < kPassEvery || !budget_.may_work(now);
    if (!stress && (rests || facts_.collecting.value_or(ports_.marking()))) return kIdle;
    if (facts_.old && !pace_.may_enter(now)) return kSoon;
    count_released(balloon_.refill_pass(facts_.old ? 1 : kChunksAPass, stress));
    pace_.entered(now);
    if (balloon_.pass_is_complete()) passed_at_ = now;
    return stress ? Duration::zero() : kSoon;
}

void Regulator::count_released(const Result<Bytes>& released) {
    if (!released) return stop_ballooning(released.error());
    refilled_ += *released;
}

/// Chunks that are held already stay, unless their pages are locked (mlockall): then they only take room from the program.
void Regulator::stop_ballooning(const Error& why) {
    broken_ = why;
    last_trouble_ = why.message;
    if (why.code == ErrorCode::denied) deflate(balloon_.size().granted);
}

}  // namespace aerostat::agent
