#include "cli/exit_code.h"

namespace aerostat::cli {

ExitCode exit_code_for_connect(const Error& error) {
    switch (error.code) {
        case ErrorCode::not_found:
            return kExitNoDaemon;
        case ErrorCode::denied:
            return kExitDenied;
        case ErrorCode::bad_value:
            return kExitUsage;
        default:
            return kExitError;
    }
}

ExitCode exit_code_for_request(const Error& error) { return error.code == ErrorCode::denied ? kExitDenied : kExitError; }

ExitCode exit_code_for(Command command, const ReplyBody& body) {
    const auto* operation = std::get_if<OperationView>(&body);
    if (!operation || operation->running) return kExitMet;
    const bool wants_all = command == Command::squeeze || command == Command::give || command == Command::reserve;
    if (wants_all && operation->reason != EndReason::met) return kExitShortfall;
    if (command == Command::release && !operation->shortfall.is_zero()) return kExitShortfall;
    return kExitMet;
}

}  // namespace aerostat::cli
