#include "guest-balloon/link/client_dialogue.h"

namespace aerostat::guest {

Result<Envelope> read_from_application(std::string_view line) {
    auto envelope = decode_message(line);
    if (!envelope) return envelope;
    const Message& body = envelope->body;
    const bool is_its_own = std::holds_alternative<Watch>(body) || std::holds_alternative<ReclaimerFigures>(body) ||
                            std::holds_alternative<ForgetReclaimer>(body) || std::holds_alternative<Reclaimed>(body) ||
                            std::holds_alternative<ErrorNotice>(body);
    if (!is_its_own) return fail(ErrorCode::refused, "an application does not send this");
    return envelope;
}

}  // namespace aerostat::guest
