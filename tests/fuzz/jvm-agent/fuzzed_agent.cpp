#include "tests/fuzz/jvm-agent/fuzzed_agent.h"

#include <cstdio>
#include <cstdlib>

namespace aerostat::agent {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLongestWait = 50ms;  ///< while an operation runs
constexpr Duration kCycleTakes = 100ms;
constexpr Duration kFullGcWindow = 10min;

void hold(bool holds, const char* sentence, const std::string& detail = {}) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s %s\n", sentence, detail.c_str());
    std::abort();
}

std::string bytes(Bytes amount) { return format_bytes(amount); }

LeverRule rule_of(CollectionKind kind) {
    switch (kind) {
        case CollectionKind::young_and_marking:
            return &plan_g1_levers;
        case CollectionKind::stop_the_world:
            return &plan_full_collections;
        default:
            return &plan_soft_maximum;
    }
}

RegulatorRules rules_of(const FuzzedAgent::Setting& setting) {
    RegulatorRules rules;
    rules.cpu_budget = setting.cpu_budget;
    rules.firmest = setting.firmest;
    rules.full_gcs = setting.full_gcs;
    if (!setting.can_balloon) rules.can_balloon = fail(ErrorCode::unsupported, "left alone");
    if (!setting.can_hold_chunks) rules.can_hold_chunks = fail(ErrorCode::unsupported, "no chunks");
    return rules;
}

}  // namespace

FuzzedAgent::FuzzedAgent(const Setting& setting) : setting_(setting) {
    jvm.kind = setting.kind;
    jvm.max = setting.max;
    jvm.minimum = setting.minimum;
    jvm.region = setting.region;
    jvm.levers_give = setting.levers_give;
    jvm.headroom = setting.headroom;
    jvm.committed = jvm.in_memory = setting.max;
    jvm.live = setting.max / 32;
    if (jvm.works_in_cycles()) jvm.flags["SoftMaxHeapSize"] = {static_cast<std::int64_t>(setting.max.count()), false};
    for (auto& [name, state] : jvm.flags) state.by_operator = setting.operators.count(name) > 0;
    flags_before_ = jvm.flags;
    regulator_.emplace(
        ports(), rules_of(setting),
        Regulator::Listener{[this](const OperationResult& result) { take_result(result); },
                            [](const Pressure& pressure) { hold(!pressure.cause.empty(), "pressure has a cause"); }});
}

RegulatorPorts FuzzedAgent::ports() {
    return {.heap = *this,
            .chunks = *this,
            .flags = *this,
            .lever_rule = rule_of(setting_.kind),
            .clock = jvm.clock,
            .own_cpu = [this] { return cpu_; },
            .marking = [this] { return jvm.collecting; },
            .marking_cpu = [] { return Duration{}; },
            .trim_native = [] { return Bytes(); },
            .alarm = [this] { return setting_.alarm; }};
}

Bytes FuzzedAgent::margin() const { return std::max({share_of(jvm.max, 0.05), jvm.region * 2, jvm.headroom}); }

Result<Chunk> FuzzedAgent::inflate() {
    hold(setting_.can_balloon && setting_.can_hold_chunks, "a heap that may hold no chunk is given none");
    hold(is_on_, "nothing is inflated while it is switched off");
    auto chunk = jvm.inflate();
    const Bytes usable = setting_.alarm.is_zero() ? jvm.max : std::min(jvm.max, setting_.alarm);
    hold(!chunk || jvm.used() + margin() <= usable, "the margin stays free when a chunk is inflated",
         bytes(jvm.used()) + " used of " + bytes(usable));
    return chunk;
}

void FuzzedAgent::forget(Chunk chunk) {
    hold(jvm.is_cleared(chunk), "only cleared chunks are forgotten");
    jvm.forget(chunk);
}

Result<bool> FuzzedAgent::release_again(Chunk& chunk) {
    hold(!jvm.collecting, "no strong handle is taken while a cycle runs");
    return jvm.release_again(chunk);
}

Status FuzzedAgent::set(const FlagSetting& setting) {
    hold(setting_.operators.count(setting.name) == 0, "the operator's flags are left alone", setting.name);
    hold(setting_.can_balloon, "the flags of a heap that is left alone stay");
    Status done = jvm.set(setting);
    flag_was_refused_ = flag_was_refused_ || !done;
    return done;
}

Status FuzzedAgent::collect_fully() {
    const TimePoint now = jvm.clock.now();
    hold(!regulator_->running_op().empty(), "full collections are made for an order only");
    full_collections_.push_back(now);
    const auto lately = std::count_if(full_collections_.begin(), full_collections_.end(),
                                      [&](TimePoint at) { return now - at < kFullGcWindow; });
    hold(lately <= setting_.full_gcs, "no more full collections are made than are allowed");
    return jvm.collect_fully();
}

void FuzzedAgent::order(SetHeapTarget order) {
    const std::string op = order.op;
    if (orders_.count(op) > 0) {
        asked_again_ = op;
    } else {
        ops_.push_back(op);
        orders_[op] = {order, jvm.resident_heap(), jvm.chunk_count(), !jvm.footprint_fails, std::nullopt, jvm.clock.now()};
    }
    regulator_->accept(order);
    hold(regulator_->running_op() == op || orders_[op].obtained, "an order runs, or has its answer", op);
    asked_again_.clear();
    check_always();
}

void FuzzedAgent::cancel(const std::string& op, OnShortfall rest) {
    const bool runs = regulator_->running_op() == op;
    regulator_->cancel({"", op, rest});
    hold(!runs || orders_[op].obtained, "a cancelled operation is answered at once", op);
    check_always();
}

void FuzzedAgent::lift() {
    if (!regulator_->running_op().empty()) return;  // the agent does that only as the last thing of all
    regulator_->lift();
    check_restored();
}

void FuzzedAgent::set_switch(bool on) {
    if (on) {
        regulator_->switch_on();
    } else {
        regulator_->switch_off("switched off");
        hold(regulator_->running_op().empty(), "the switch ends what runs");
        check_restored();
    }
    is_on_ = on;
}

void FuzzedAgent::check_restored() const {
    hold(jvm.chunk_count() == 0, "no chunk is left when restraint is lifted");
    hold(!regulator_->target(), "no target is left when restraint is lifted");
    if (!jvm.refuse_flag.empty()) return;  // the JVM does not let us
    hold(are_flags_as_before(), "flags are as they were when restraint is lifted");
}

bool FuzzedAgent::are_flags_as_before() const {
    return std::all_of(flags_before_.begin(), flags_before_.end(),
                       [this](const auto& one) { return jvm.flags.at(one.first) == one.second; });
}

void FuzzedAgent::check_always() const {
    hold(jvm.used() <= jvm.max, "the heap holds what is in it");
    hold(regulator_->balloon().count() == jvm.chunk_count(), "every chunk of the heap is known");
    hold(is_on_ || jvm.chunk_count() == 0, "the balloon stays empty while it is switched off");
    const bool idle = !regulator_->target() && regulator_->running_op().empty();
    hold(!idle || jvm.chunk_count() == 0, "no chunk is held without a target");
    hold(!idle || flag_was_refused_ || are_flags_as_before(), "flags are as they were without a target");
    hold(regulator_->floor() <= jvm.max, "the floor lies within the heap");
    hold(regulator_->footprint().resident <= regulator_->facts().committed, "no more is resident than is committed");
}

void FuzzedAgent::advance() {
    const std::string running = regulator_->running_op();
    const TimePoint began = jvm.clock.now();
    resident_seen_ = jvm.resident_heap();
    const Duration wait = regulator_->advance(gc);
    resident_seen_ = jvm.resident_heap();
    cpu_ += 200us;
    hold(wait >= Duration::zero(), "a wait is not negative");
    if (regulator_->running_op().empty()) {
        jvm.clock.advance(std::clamp<Duration>(wait, 5ms, kLongestWait));
    } else {
        const Order& order = orders_[regulator_->running_op()];
        // An order that supersedes another begins when that one has been measured and answered.
        hold(began - order.accepted < order.order.deadline + jvm.look_cost,
             "an operation does not run on after its deadline", running);
        hold(wait <= kLongestWait, "an operation that runs is looked after");
        jvm.clock.advance(std::max<Duration>(wait, 2ms));
    }
    check_always();
}

void FuzzedAgent::run(Duration time) {
    const TimePoint until = jvm.clock.now() + time;
    while (jvm.clock.now() < until) {
        if (jvm.footprint_fails && !regulator_->running_op().empty()) orders_[regulator_->running_op()].measured = false;
        advance();
        if (jvm.clock.now() < next_cycle_) continue;
        jvm.let_cycles_run(1);
        next_cycle_ = jvm.clock.now() + kCycleTakes;
    }
}

void FuzzedAgent::allocate(Bytes amount, bool stays_alive) {
    const auto fits = [&] { return jvm.used() + amount <= jvm.max; };
    if (!fits()) jvm.young_gc();
    if (!fits()) {
        ++jvm.stalls;
        jvm.works_in_cycles() ? jvm.cycle() : jvm.full_gc();
    }
    if (!fits()) {
        jvm.clear_all_chunks();
        jvm.works_in_cycles() ? jvm.cycle() : jvm.full_gc();
    }
    if (!fits()) return;  // it would be out of memory without us, too
    (stays_alive ? jvm.live : jvm.garbage) += amount;
    jvm.in_memory = jvm.resident_heap();
}

void FuzzedAgent::take_result(const OperationResult& result) {
    const auto found = orders_.find(result.op);
    hold(found != orders_.end(), "answers are to what was ordered", result.op);
    Order& order = found->second;
    if (order.obtained) {
        hold(asked_again_ == result.op, "an order is answered once", result.op);
        hold(*order.obtained == result.obtained, "an order that comes again has the same answer", result.op);
        return;
    }
    order.obtained = result.obtained;
    hold(result.shortfall == saturating_sub(result.asked, result.obtained), "the shortfall is what is missing");
    hold(result.reason != EndReason::met || result.shortfall.is_zero(), "nothing is missing when it is met");
    check_obtained(order, result);
    if (result.rest != RestIs::rolled_back) return;
    const bool may = order.order.on_shortfall == OnShortfall::rollback || result.reason == EndReason::cancelled ||
                     result.reason == EndReason::paused;
    hold(may, "only what may be rolled back is");
    hold(jvm.chunk_count() <= order.chunks, "what is rolled back holds no more chunks than before");
}

/// What was answered is no more than the kernel would say, up to what the program did since the regulator looked.
void FuzzedAgent::check_obtained(const Order& order, const OperationResult& result) const {
    const bool shrinks = order.order.target.footprint < order.resident;
    if (!shrinks || !order.measured || jvm.footprint_fails) return;
    const Bytes left = std::min(jvm.resident_heap(), resident_seen_);
    hold(result.obtained <= saturating_sub(order.resident, left), "no more is answered than was obtained",
         bytes(result.obtained) + " of " + bytes(saturating_sub(order.resident, left)));
}

void FuzzedAgent::wind_up() {
    jvm.refuse_flag.clear();
    jvm.footprint_fails = false;
    for (int i = 0; i < 100'000 && !regulator_->running_op().empty(); ++i) advance();
    for (const auto& [op, order] : orders_) hold(order.obtained.has_value(), "every order has an answer", op);
    lift();
}

}  // namespace aerostat::agent
