#include "guest-balloon/link/agent_dialogue.h"

namespace aerostat::guest {
namespace {

bool is_from_an_agent(const Message& message) {
    return std::holds_alternative<JvmReport>(message) || std::holds_alternative<OperationResult>(message) ||
           std::holds_alternative<Pressure>(message) || std::holds_alternative<ErrorNotice>(message);
}

}  // namespace

Result<Envelope> AgentDialogue::read(std::string_view line) const {
    auto envelope = decode_message(line);
    if (!envelope) return envelope;
    const bool is_hello = std::holds_alternative<Hello>(envelope->body);
    if (is_hello && welcomed_) return fail(ErrorCode::refused, "hello has been said on this connection");
    if (is_hello || std::holds_alternative<ErrorNotice>(envelope->body)) return envelope;
    if (!welcomed_) return fail(ErrorCode::refused, "say hello first");
    if (!is_from_an_agent(envelope->body)) return fail(ErrorCode::refused, "an agent does not send this");
    return envelope;
}

}  // namespace aerostat::guest
