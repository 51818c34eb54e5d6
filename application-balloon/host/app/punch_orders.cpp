#include "application-balloon/host/app/punch_orders.h"

#include <algorithm>
#include <utility>

namespace aerostat::balloon::host {
namespace {

constexpr Duration kLooksWithin = std::chrono::seconds(10);
constexpr Duration kResumesWithin = std::chrono::seconds(10);
// After its time an order takes nothing more, but what it took is to be told, and the guest has to go on first.
constexpr Duration kEndsWithin = std::chrono::seconds(1);
constexpr Duration kLongest = std::chrono::hours(1);

const std::string& domain_of(const PunchRequest& request) {
    return std::visit([](const auto& one) -> const std::string& { return one.domain; }, request);
}

}  // namespace

Duration PunchOrders::patience(const PunchRequest& request) const {
    const auto* order = std::get_if<PunchOrder>(&request);
    if (!order) return kLooksWithin;
    const TimePoint now = clock_.now();
    return order->until <= now ? kEndsWithin : std::min(order->until - now, kLongest) + kEndsWithin;
}

bool PunchOrders::take(std::string_view line, const LineDoor::Reply& reply) {
    auto request = parse_punch_request(line);
    if (!request) return false;
    const RequestId id = std::visit([](const auto& one) { return one.id; }, *request);
    const std::string domain = domain_of(*request);
    const Duration within = patience(*request);
    pool_.call<PunchAnswer>(
        domain, within,
        [answer = acts_.answer, request = *std::move(request)] { return Result<PunchAnswer>(answer(request)); },
        [id, reply](const Result<PunchAnswer>& done) {
            reply(line_of(done ? *done : PunchAnswer(Refused{id, done.error().code, done.error().message})));
        });
    return true;
}

void PunchOrders::mend() {
    for (const std::string& domain : acts_.left_behind()) {
        if (pool_.is_busy(domain)) continue;  // by an order, which does it itself
        pool_.call<bool>(
            domain, kResumesWithin, [resume = acts_.resume, domain] { return Result<bool>(resume(domain)); },
            [](const Result<bool>&) {});
    }
}

}  // namespace aerostat::balloon::host
