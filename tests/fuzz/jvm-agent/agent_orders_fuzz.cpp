// Whatever guestd orders and the JVM does, in whatever order: see FuzzedAgent for what must hold.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>

#include "contract/codec.h"
#include "contract/faulty_order.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/jvm-agent/fuzzed_agent.h"

namespace {

using namespace aerostat;
using namespace aerostat::agent;
using namespace aerostat::literals;

constexpr std::size_t kMostEvents = 100;
/// A book of operations keeps so many answers: an older one that comes again is a new order.
constexpr std::size_t kMostOrders = 60;

class Events {
public:
    explicit Events(FuzzedDataProvider& data) : data_(data), agent_(setting()) {
        agent_.jvm.chunk_takes = std::chrono::microseconds(number(3000));
        agent_.jvm.full_gc_cost = std::chrono::milliseconds(number(2000));
        agent_.jvm.look_cost = std::chrono::milliseconds(number(40));
    }

    void play() {
        for (std::size_t i = 0; i < kMostEvents && data_.remaining_bytes() > 0; ++i) one();
        agent_.wind_up();
    }

private:
    int number(int most) { return data_.ConsumeIntegralInRange<int>(0, most); }
    bool coin() { return data_.ConsumeBool(); }
    Bytes part_of(Bytes all) { return share_of(all, number(255) / 255.0); }

    FuzzedAgent::Setting setting() {
        FuzzedAgent::Setting setting;
        setting.kind = static_cast<CollectionKind>(number(3));
        setting.region = Bytes(std::uint64_t{1} << (20 + number(5)));
        setting.max = setting.region * static_cast<std::uint64_t>(64 + number(255));
        setting.minimum = coin() ? setting.max : round_down(part_of(setting.max), setting.region);
        setting.levers_give = coin();
        setting.can_hold_chunks = setting.kind != CollectionKind::stop_the_world && number(7) > 0;
        setting.can_balloon = number(15) > 0;
        setting.firmest = static_cast<Cap>(number(2));
        setting.cpu_budget = 0.01 * (1 + number(99));
        setting.full_gcs = number(8);
        if (number(3) == 0) setting.alarm = part_of(setting.max);
        const bool in_cycles =
            setting.kind == CollectionKind::whole_heap_cycles || setting.kind == CollectionKind::generational_cycles;
        if (in_cycles) setting.headroom = share_of(setting.max, 0.2 * number(255) / 255.0);
        for (const char* flag : {"MinHeapFreeRatio", "MaxHeapFreeRatio", "G1PeriodicGCInterval", "SoftMaxHeapSize"}) {
            if (number(7) == 0) setting.operators.insert(flag);
        }
        return setting;
    }

    void order() {
        SetHeapTarget order;
        const auto& earlier = agent_.ops();
        const bool again = !earlier.empty() && (number(7) == 0 || earlier.size() >= kMostOrders);
        order.op = again ? earlier[data_.ConsumeIntegralInRange<std::size_t>(0, earlier.size() - 1)]
                         : std::to_string(earlier.size());
        order.target = {part_of(agent_.jvm.max)};
        order.deadline = Millis(number(20'000));
        order.on_shortfall = coin() ? OnShortfall::rollback : OnShortfall::keep;
        order.cap = static_cast<Cap>(number(2));
        if (number(3) == 0) order.hold = Millis(number(30'000));
        agent_.order(order);
    }

    /// As its bytes come: whatever stands where the amounts should, it is carried out or answered with its fault.
    void order_on_the_wire() {
        const std::string op = std::to_string(agent_.ops().size());
        const std::string line = R"({"v":1,"type":"set_heap_target","id":"x","session":"s","op":")" + op +
                                 R"(","target_bytes":)" + amount() + R"(,"deadline_ms":)" + amount() + "}";
        const auto message = decode_message(line);
        if (message) {
            auto order = std::get<SetHeapTarget>(message->body);
            order.deadline = std::min(order.deadline, Millis(20'000));  // no run waits for years
            return agent_.order(std::move(order));
        }
        const auto answer = answer_to_faulty_order(line, message.error());
        const bool is_json = message.error().message.find("not JSON") == std::string::npos;
        FUZZ_CHECK(!is_json || (answer && answer->op == op && answer->session == "s" && !answer->detail.empty()));
        if (answer) FUZZ_CHECK(encode(Envelope{"1", *answer}));
    }

    std::string amount() {
        switch (number(3)) {
            case 0:
                return std::to_string(data_.ConsumeIntegral<std::int64_t>());
            case 1:
                return std::to_string(data_.ConsumeIntegral<std::uint64_t>());
            case 2:
                return std::to_string(data_.ConsumeFloatingPoint<double>());
            default: {
                std::string text = data_.ConsumeRandomLengthString(12);
                std::replace(text.begin(), text.end(), ',', ' ');  // no further field, which might say whose order it is
                return text;
            }
        }
    }

    void cancel() {
        if (agent_.ops().empty()) return;
        agent_.cancel(coin() ? agent_.ops().back() : "never ordered", coin() ? OnShortfall::rollback : OnShortfall::keep);
    }

    void collect() {
        switch (number(4)) {
            case 0:
                return agent_.jvm.young_gc();
            case 1:
                return agent_.jvm.cycle();
            case 2:
                return agent_.jvm.full_gc();
            case 3:
                agent_.jvm.clear_all_chunks();
                return agent_.jvm.works_in_cycles() ? agent_.jvm.cycle() : agent_.jvm.full_gc();
            default:
                agent_.jvm.collecting = !agent_.jvm.collecting;
        }
    }

    void trouble() {
        FakeJvm& jvm = agent_.jvm;
        switch (number(4)) {
            case 0:
                jvm.refuse_chunks = number(3) == 0;
                break;
            case 1:
                jvm.refuse_flag = coin() ? data_.PickValueInArray({"MinHeapFreeRatio", "MaxHeapFreeRatio",
                                                                   "G1PeriodicGCInterval", "SoftMaxHeapSize"})
                                         : "";
                break;
            case 2:
                jvm.footprint_fails = !jvm.footprint_fails;
                break;
            case 3:
                jvm.back_in_each_chunk = part_of(jvm.region);
                break;
            default:
                agent_.gc = {number(200) / 50.0, number(200) / 50.0};
        }
    }

    void program() {
        FakeJvm& jvm = agent_.jvm;
        if (number(3) > 0) return agent_.allocate(part_of(jvm.max), coin());
        const Bytes dies = part_of(jvm.live);
        jvm.live = saturating_sub(jvm.live, dies);
        jvm.garbage += dies;
    }

    void one() {
        switch (number(9)) {
            case 0:
            case 1:
                return number(7) == 0 && agent_.ops().size() < kMostOrders ? order_on_the_wire() : order();
            case 2:
                return cancel();
            case 3:
                return collect();
            case 4:
                return trouble();
            case 5:
            case 6:
                return program();
            case 7:
                return coin() ? agent_.lift() : agent_.set_switch(coin());
            case 8:
                return agent_.stall(std::chrono::milliseconds(number(3000)));
            default:
                return agent_.run(std::chrono::milliseconds(number(5000)));
        }
    }

    FuzzedDataProvider& data_;
    FuzzedAgent agent_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size) {
    FuzzedDataProvider data(bytes, size);
    Events(data).play();
    return 0;
}
