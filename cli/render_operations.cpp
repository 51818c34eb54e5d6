#include <algorithm>

#include <fmt/format.h>

#include "cli/figures.h"
#include "cli/render.h"
#include "contract/names.h"

namespace aerostat::cli {
namespace {

using Align = Column::Align;

Style style_of(const OperationView& operation) {
    if (operation.running) return Style::plain;
    return operation.reason == EndReason::met ? Style::good : Style::warning;
}

std::string outcome_of(const OperationView& operation) {
    return operation.running ? "running" : std::string(to_string(operation.reason));
}

std::string_view rest_of(const OperationView& operation) {
    return operation.rest == RestIs::rolled_back ? "rolled back" : "kept";
}

std::string subject_of(const OperationView& operation) {
    const std::string command = operation.command.empty() ? "operation" : printable(operation.command, 20);
    return command + (operation.target.empty() ? "" : " " + printable(operation.target, 140));
}

std::string verified_of(const OperationView& operation) {
    return operation.verified ? fmt::format("{} verified", show(*operation.verified)) : "not verified";
}

std::string render_reservation(const OperationView& reserve, const Look& look) {
    if (reserve.running) return fmt::format("reserve: asked as {}; see aerostatctl ops\n", printable(reserve.op));
    const bool granted = reserve.reason == EndReason::met;
    const std::string word = styled(granted ? "granted" : "refused", granted ? Style::good : Style::warning, look);
    const std::string took = format_duration(reserve.elapsed);
    if (granted)
        return fmt::format("reserve: {}: {} verified free, in {}; ends by itself or with `aerostatctl release {}`\n", word,
                           show(reserve.asked), took, printable(reserve.op));
    return fmt::format("reserve: {} ({}), after {}: {} of {} free\n{}\n", word, to_string(reserve.reason), took,
                       show(reserve.obtained), show(reserve.asked), printable(reserve.detail, 500));
}

}  // namespace

std::string render_operations(const OperationsView& operations, const Look& look) {
    Table table({{"OPERATION", Align::left, 1},
                 {"COMMAND"},
                 {"TARGET"},
                 {"OUTCOME"},
                 {"ASKED", Align::right},
                 {"OBTAINED", Align::right},
                 {"VERIFIED", Align::right},
                 {"MISSING", Align::right, 3},
                 {"TOOK", Align::right, 2},
                 {"DEADLINE", Align::right, 5},
                 {"STARTED", Align::right, 4},
                 {"DETAIL", Align::left, 6}});
    for (const OperationView& operation : operations.operations) {
        table.add({printable(operation.op), printable(operation.command, 20), printable(operation.target, 140),
                   Cell(outcome_of(operation), style_of(operation)), show(operation.asked), show(operation.obtained),
                   show(operation.verified), show(operation.shortfall), format_duration(operation.elapsed),
                   format_duration(operation.deadline), format_duration(operation.started_ago) + " ago",
                   printable(operation.detail)});
    }
    if (table.empty()) return "no operations\n";
    return table.render(look);
}

std::string render_operation(const OperationView& operation, const Look& look) {
    if (operation.command == "reserve") return render_reservation(operation, look);
    if (operation.running) {
        return fmt::format("{}: started as {}, {} asked; see aerostatctl ops\n", subject_of(operation),
                           printable(operation.op), show(operation.asked));
    }
    const bool met = operation.reason == EndReason::met;
    const std::string figures = fmt::format("{} of {} obtained, {}, in {}", show(operation.obtained), show(operation.asked),
                                            verified_of(operation), format_duration(operation.elapsed));
    std::string out = fmt::format("{}: {}: {}\n", subject_of(operation),
                                  styled(outcome_of(operation), style_of(operation), look), figures);
    if (!met) out += fmt::format("{} missing; what was obtained is {}\n", show(operation.shortfall), rest_of(operation));
    if (operation.os_moved) out += fmt::format("the guest's OS balloon moved by {}\n", show(*operation.os_moved));
    if (!operation.detail.empty()) out += printable(operation.detail, 500) + "\n";
    return out;
}

std::string render_progress(const ControlRequest& request, const OperationView* seen, Duration elapsed, const Look& look) {
    const Millis deadline = request.deadline.value_or(Millis(5000));
    const Bytes asked = seen ? seen->asked : request.bytes.value_or(Bytes());
    const std::string obtained = seen ? show(seen->obtained) + " of " : "";
    const std::string line =
        fmt::format("{} {}: {}{}, {:.1f} s of {}", to_string(request.command), printable(request.target, 140), obtained,
                    show(asked), std::max(0.0, to_seconds(elapsed)), format_duration(deadline));
    return look.width == 0 ? line : fit(line, look.width - 1);
}

std::string render_reply(Command command, const ReplyBody& body, const Look& look) {
    if (const auto* status = std::get_if<StatusView>(&body)) {
        return command == Command::jvms ? render_jvms(*status, look) : render_status(*status, look);
    }
    if (const auto* plan = std::get_if<PlanView>(&body)) return render_plan(*plan, look);
    if (const auto* operations = std::get_if<OperationsView>(&body)) return render_operations(*operations, look);
    if (const auto* operation = std::get_if<OperationView>(&body)) return render_operation(*operation, look);
    if (const auto* doctor = std::get_if<DoctorView>(&body)) return render_doctor(*doctor, look);
    return fmt::format("{}: done\n", to_string(command));
}

}  // namespace aerostat::cli
