#include "guest-balloon/app/requests.h"

#include "contract/names.h"

namespace aerostat::guest {
namespace {

void answer(const daemon::Responder& respond, ReplyBody body) {
    ControlReply reply;
    reply.body = std::move(body);
    respond(std::move(reply));
}

void answer(const daemon::Responder& respond, Error error) {
    ControlReply reply;
    reply.error = std::move(error);
    respond(std::move(reply));
}

}  // namespace

void Requests::take(const ControlRequest& request, const daemon::Responder& respond) {
    switch (request.command) {
        case Command::status:
        case Command::jvms:
            return answer(respond, status_view(state_, ports_.links(), clock_.now()));
        case Command::ops:
            return answer(respond, OperationsView{state_.orders().views(clock_.now())});
        case Command::plan:
            return answer(respond, Error{ErrorCode::unsupported, "a guest makes no plan: ask hostd"});
        case Command::squeeze:
        case Command::give:
        case Command::release:
        case Command::pause:
            return begin(request, respond);
        case Command::reserve:
            return answer(respond, Error{ErrorCode::unsupported, "a guest reserves nothing: ask hostd"});
        case Command::doctor:
            return answer(respond, Error{ErrorCode::unsupported, "a guest's status says what is degraded"});
        case Command::cancel:
            return cancel(request, respond);
        case Command::resume:
            return resume(request, respond);
    }
}

void Requests::begin(const ControlRequest& request, const daemon::Responder& respond) {
    if (waiting_.size() >= kMostWaiting)
        return answer(respond, Error{ErrorCode::busy, "too many requests are waiting for operations"});
    Effects effects;
    auto op = state_.begin(request, fresh_id(), clock_.now(), effects);
    if (!op) return answer(respond, op.error());
    if (request.command == Command::pause) ports_.pause_changed();
    if (request.wait)
        wait_for(*op, respond);
    else
        answer_with_operation(*op, respond);
    ports_.carry_out(effects);
}

void Requests::cancel(const ControlRequest& request, const daemon::Responder& respond) {
    Effects effects;
    if (auto done = state_.cancel(request, clock_.now(), effects); !done) return answer(respond, done.error());
    if (request.wait && waiting_.size() < kMostWaiting)
        wait_for(request.op, respond);
    else
        answer_with_operation(request.op, respond);
    ports_.carry_out(effects);
}

void Requests::resume(const ControlRequest& request, const daemon::Responder& respond) {
    if (auto done = state_.resume(request.target); !done) return answer(respond, done.error());
    ports_.pause_changed();
    answer(respond, ReplyBody());
}

void Requests::wait_for(const std::string& op, const daemon::Responder& respond) { waiting_.emplace(op, respond); }

void Requests::answer_with_operation(const std::string& op, const daemon::Responder& respond) {
    const Operation* operation = state_.orders().find(op);
    if (!operation) return answer(respond, Error{ErrorCode::internal, "operation " + op + " is not recorded"});
    answer(respond, view_of(*operation, clock_.now()));
}

void Requests::operation_ended(const std::string& op) {
    const auto [first, last] = waiting_.equal_range(op);
    for (auto waiting = first; waiting != last; ++waiting) answer_with_operation(op, waiting->second);
    waiting_.erase(first, last);
}

void Requests::shutting_down() {
    for (const auto& [op, respond] : waiting_) {
        answer(respond,
               Error{ErrorCode::disconnected, "the daemon is stopping; operation " + op + " goes on at its agents"});
    }
    waiting_.clear();
}

}  // namespace aerostat::guest
