// What a guest may send, through decoding, checking, the register and a decision: the plan never hands out what is not
// there.
#include <string_view>

#include "contract/codec.h"
#include "contract/line_framer.h"
#include "host-controller/act/operations.h"
#include "host-controller/decide/tracking.h"
#include "host-controller/sense/guest_register.h"
#include "tests/fuzz/check.h"

namespace {

using namespace aerostat;
using namespace aerostat::host;
using namespace aerostat::literals;

const GuestId kGuest = "session:1:1";

void check_plan(const HostPlan& plan, const HostRules& rules) {
    for (const GuestOrder& order : plan.orders) {
        for (const LayerOrder& layer : order.layers) FUZZ_CHECK(layer.target.footprint <= rules.memory + 64_MiB);
    }
    FUZZ_CHECK(plan.price >= 0);
}

void take(const Message& message, sense::GuestRegister& guests, act::Operations& operations, HostState& state,
          const HostRules& rules, TimePoint now) {
    const GuestId id = kGuest;
    if (const auto* report = std::get_if<GuestReport>(&message)) guests.take_report(id, *report, now);
    if (const auto* result = std::get_if<OperationResult>(&message)) operations.take_result(id, *result);
    static_cast<void>(guests.take_measurement(id, {300_MiB, 1, 0}, now));
    for (const GuestSeen& guest : guests.snapshot(rules.memory, now).guests) {
        Bytes footprints;
        for (const LayerSeen& layer : guest.layers) footprints += layer.footprint;
        FUZZ_CHECK(footprints <= guest.charged);
        if (const auto* pressure = std::get_if<Pressure>(&message))
            note_urgent(state, guest, pressure->jvm, pressure->wanted, rules, now);
    }
    const HostPlan plan = decide(guests.snapshot(rules.memory, now), state, rules, now);
    check_plan(plan, rules);
    state = plan.after;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    ManualClock clock;
    HostRules rules;
    rules.memory = 1_GiB;
    rules.emergency_reserve = 100_MiB;
    rules.guests.push_back({"*", {}});
    HostState state;
    sense::GuestRegister guests;
    act::Operations operations(
        {.send = [](const GuestId&, Message) { return true; }, .measure = [](const GuestId&, auto) {}}, clock);
    static_cast<void>(guests.join(kGuest, "fuzz", 1, clock.now()));
    LineFramer framer;
    framer.feed(std::string_view(reinterpret_cast<const char*>(data), size), [&](std::string_view line) {
        const auto message = decode_message(line);
        if (!message) return;
        take(message->body, guests, operations, state, rules, clock.now());
        clock.advance(std::chrono::milliseconds(300));
    });
    return 0;
}
