// The order book's memory: what has ended, and what the host has not been told yet.
#include <algorithm>

#include "guest-balloon/decide/order_book.h"

namespace aerostat::guest {

JvmPart* OrderBook::find_part(const std::string& jvm, Operation*& operation) {
    for (Operation& candidate : running_) {
        JvmPart* part = candidate.part_of(jvm);
        if (!part || part->stage == Stage::done) continue;
        operation = &candidate;
        return part;
    }
    return nullptr;
}

bool OrderBook::is_running_for(const std::string& jvm) const {
    return std::any_of(running_.begin(), running_.end(), [&](const Operation& operation) {
        return std::any_of(operation.parts.begin(), operation.parts.end(),
                           [&](const JvmPart& part) { return part.task.jvm == jvm && part.stage != Stage::done; });
    });
}

void OrderBook::retire_ended(TimePoint now, Effects& effects) {
    for (Operation& operation : running_) {
        const bool waits = operation.os && operation.os->stage == OsPart::Stage::waiting;
        if (waits && !operation.heaps_run()) take_os(operation, now, effects);
    }
    for (auto at = running_.begin(); at != running_.end();) {
        const auto operation = at++;
        if (operation->running()) continue;
        operation->ended_at = now;
        effects.push_back(OperationEnded{operation->order.op});
        ended_.push_front(std::move(*operation));
        running_.erase(operation);
    }
    bound_ended();
}

void OrderBook::bound_ended() {
    // The host's are counted apart, so that operators cannot push out a result that the host will ask for again.
    std::size_t of_host = 0;
    std::size_t of_others = 0;
    std::erase_if(ended_, [&](const Operation& operation) {
        std::size_t& count = operation.order.origin == Origin::host ? of_host : of_others;
        return ++count > kKept;
    });
}

const Operation* OrderBook::find(const std::string& op) const {
    for (const Operation& operation : running_) {
        if (operation.order.op == op) return &operation;
    }
    for (const Operation& operation : ended_) {
        if (operation.order.op == op) return &operation;
    }
    return nullptr;
}

std::vector<OperationView> OrderBook::views(TimePoint now) const {
    std::vector<OperationView> views;
    for (const Operation& operation : running_) views.push_back(view_of(operation, now));
    for (const Operation& operation : ended_) {
        if (views.size() >= running_.size() + kKept) break;
        views.push_back(view_of(operation, now));
    }
    return views;
}

void OrderBook::give_again(const std::string& op) {
    for (Operation& operation : ended_) {
        if (operation.order.op == op) operation.delivered = false;
    }
}

std::vector<OperationResult> OrderBook::take_undelivered(const std::string& session) {
    std::vector<OperationResult> results;
    // Oldest first, as they happened.
    for (auto at = ended_.rbegin(); at != ended_.rend(); ++at) {
        if (at->delivered) continue;
        at->delivered = true;
        results.push_back(result_of(*at, session));
    }
    return results;
}

}  // namespace aerostat::guest
