// What any process of the guest can send to agent.sock: bytes -> lines -> messages -> the guest's state, with orders under
// way and time passing. Whatever comes, the state stays bounded and what goes up to the host can be encoded.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "contract/line_framer.h"
#include "guest-balloon/decide/guest_state.h"
#include "guest-balloon/link/agent_dialogue.h"
#include "guest-balloon/link/host_client.h"
#include "tests/fuzz/check.h"

namespace aerostat::guest {
namespace {

class Door {
public:
    Door() : state_("guest", GuestRules{}, true, clock_.now()) {
        state_.host_welcomed("h1", Welcome{"h1", "guest", Millis(30'000)}, clock_.now());
        state_.memory_seen(GuestMemory{Bytes(1ULL << 34U), Bytes(1ULL << 33U), std::nullopt, std::nullopt});
    }
    /// The first byte of each chunk chooses the agent and what happens besides.
    void feed(std::string_view chunk, std::uint8_t choice) {
        Agent& agent = agents_[choice & 3U];
        agent.framer.feed(chunk, [&](std::string_view line) { hear(agent, choice & 3U, line); });
        if (choice & 4U) order((choice & 8U) != 0);
        if (choice & 16U) leave(agent, choice & 3U);
        clock_.advance(std::chrono::milliseconds((choice >> 5U) * 100));
        state_.tick("op-t" + std::to_string(++ops_), clock_.now(), effects_);
        measure();
    }
    void check() {
        FUZZ_CHECK(state_.jvms().connected().size() <= 4);
        FUZZ_CHECK(state_.orders().views(clock_.now()).size() <= 2 * OrderBook::kKept);
        for (const OperationResult& result : state_.orders().take_undelivered("h1"))
            FUZZ_CHECK(encode(Envelope{"r", result}).has_value());
        FUZZ_CHECK(encode_report("r", state_.report()).has_value());
        // All that was ordered ends by itself.
        clock_.advance(std::chrono::hours(2));
        for (int i = 0; i < 4; ++i) {
            state_.tick("op-e" + std::to_string(i), clock_.now(), effects_);
            clock_.advance(std::chrono::seconds(1));
        }
        FUZZ_CHECK(state_.orders().running_count() == 0);
    }

private:
    struct Agent {
        LineFramer framer;
        AgentDialogue dialogue;
        ConnectionId connection = 0;
    };
    void hear(Agent& agent, unsigned number, std::string_view line) {
        auto envelope = agent.dialogue.read(line);
        if (!envelope) return;
        if (const auto* hello = std::get_if<Hello>(&envelope->body)) {
            agent.connection = ++connections_;
            const ProcessIdentity process{static_cast<pid_t>(100 + number), 1, 1000};
            if (state_.agent_hello(
                    agent.connection, process, *hello, [](const ProcessIdentity&) { return true; }, clock_.now(),
                    effects_)) {
                agent.dialogue.welcomed();
            }
        }
        if (!agent.dialogue.is_welcomed()) return;
        if (const auto* report = std::get_if<JvmReport>(&envelope->body))
            state_.agent_report(agent.connection, *report, clock_.now(), effects_);
        if (const auto* result = std::get_if<OperationResult>(&envelope->body))
            state_.agent_result(agent.connection, *result, clock_.now(), effects_);
        if (const auto* pressure = std::get_if<Pressure>(&envelope->body))
            state_.agent_pressure(agent.connection, *pressure, clock_.now(), effects_);
    }
    // Orders carry ids that an agent's bytes can name: "op-1", "op-2" …
    void order(bool of_host) {
        const std::string op = "op-" + std::to_string(++ops_);
        for (const Jvm* jvm : state_.jvms().connected()) {
            if (of_host) {
                Apply apply;
                apply.session = "h1";
                apply.op = op;
                apply.jvms = {JvmOrder{jvm->name, HeapTarget{Bytes(1ULL << 28U)}}};
                return state_.host_order(apply, clock_.now(), effects_);
            }
            ControlRequest request;
            request.command = Command::squeeze;
            request.target = jvm->name;
            request.bytes = Bytes(1ULL << 20U);
            request.local = true;
            if (!state_.begin(request, op, clock_.now(), effects_)) continue;
            return;
        }
    }
    void leave(Agent& agent, unsigned) {
        state_.agent_gone(agent.connection, clock_.now(), effects_);
        agent = Agent{};
    }
    void measure() {
        const Effects effects = std::move(effects_);
        effects_.clear();
        for (const Effect& effect : effects) {
            const auto* wanted = std::get_if<Measure>(&effect);
            if (wanted) state_.measured(wanted->op, wanted->jvm, wanted->moment, Bytes(1ULL << 30U), clock_.now(), effects_);
        }
    }

    ManualClock clock_;
    GuestState state_;
    Effects effects_;
    Agent agents_[4];
    ConnectionId connections_ = 0;
    int ops_ = 0;
};

}  // namespace
}  // namespace aerostat::guest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    aerostat::guest::Door door;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    // A chunk is a choice byte, then text up to and with a NUL.
    while (!rest.empty()) {
        const auto choice = static_cast<std::uint8_t>(rest.front());
        rest.remove_prefix(1);
        const std::string_view chunk = rest.substr(0, rest.find('\0'));
        rest.remove_prefix(std::min(rest.size(), chunk.size() + 1));
        door.feed(chunk, choice);
    }
    door.check();
    return 0;
}
