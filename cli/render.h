#pragma once

#include <string>

#include "cli/table.h"
#include "cli/work_file.h"
#include "contract/control.h"

// The daemon's views as text for people. Pure: the same view and look give the same text. All words that came from outside
// pass printable(), so that no guest or application can write to the operator's terminal what it likes.
namespace aerostat::cli {

[[nodiscard]] std::string render_status(const StatusView& status, const Look& look);
[[nodiscard]] std::string render_jvms(const StatusView& status, const Look& look);
[[nodiscard]] std::string render_plan(const PlanView& plan, const Look& look);
[[nodiscard]] std::string render_operations(const OperationsView& operations, const Look& look);
/// One or two sentences: how the operation came out.
[[nodiscard]] std::string render_operation(const OperationView& operation, const Look& look);
/// One line, without newline, while an operation runs; `seen` is empty until the daemon has shown it.
[[nodiscard]] std::string render_progress(const ControlRequest& request, const OperationView* seen, Duration elapsed,
                                          const Look& look);
/// `top`: a head line, the table of layers, and below it what needs attention; at most look.height lines.
[[nodiscard]] std::string render_top(const StatusView& status, const WorkTexts& work, const Look& look);

/// What is wrong first, with what to do about it; then what is well.
[[nodiscard]] std::string render_doctor(const DoctorView& doctor, const Look& look);

/// Whatever kind of body it is; an empty one gives "done".
[[nodiscard]] std::string render_reply(Command command, const ReplyBody& body, const Look& look);

/// The head line that status and top share.
[[nodiscard]] std::string head_line(const StatusView& status, const Look& look);
[[nodiscard]] Style style_of_state(const std::string& state);

}  // namespace aerostat::cli
