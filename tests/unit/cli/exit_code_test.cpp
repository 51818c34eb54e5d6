#include "cli/exit_code.h"

#include <gtest/gtest.h>

namespace aerostat::cli {
namespace {

using namespace aerostat::literals;

OperationView ended(EndReason reason, Bytes shortfall = Bytes()) {
    OperationView operation;
    operation.reason = reason;
    operation.shortfall = shortfall;
    return operation;
}

TEST(ExitCode, TellsAMissingDaemonFromAMissingRight) {
    EXPECT_EQ(exit_code_for_connect({ErrorCode::not_found, ""}), 4);
    EXPECT_EQ(exit_code_for_connect({ErrorCode::denied, ""}), 5);
    EXPECT_EQ(exit_code_for_connect({ErrorCode::bad_value, ""}), 2);
    EXPECT_EQ(exit_code_for_connect({ErrorCode::io, ""}), 1);
}

TEST(ExitCode, TakesAnUnknownTargetForAnErrorAndNotForAMissingDaemon) {
    EXPECT_EQ(exit_code_for_request({ErrorCode::not_found, ""}), 1);
    EXPECT_EQ(exit_code_for_request({ErrorCode::refused, ""}), 1);
    EXPECT_EQ(exit_code_for_request({ErrorCode::timed_out, ""}), 1);
    EXPECT_EQ(exit_code_for_request({ErrorCode::denied, ""}), 5);
}

TEST(ExitCode, SaysWhetherAnOrderWasMet) {
    EXPECT_EQ(exit_code_for(Command::squeeze, ended(EndReason::met)), 0);
    EXPECT_EQ(exit_code_for(Command::squeeze, ended(EndReason::deadline, 5_MiB)), 3);
    EXPECT_EQ(exit_code_for(Command::squeeze, ended(EndReason::cancelled)), 3);
    EXPECT_EQ(exit_code_for(Command::give, ended(EndReason::stuck, 5_MiB)), 3);
    EXPECT_EQ(exit_code_for(Command::release, ended(EndReason::met)), 0);
    EXPECT_EQ(exit_code_for(Command::release, ended(EndReason::deadline, 5_MiB)), 3);
}

TEST(ExitCode, IsMetForAnOperationThatWasOnlyStarted) {
    OperationView operation = ended(EndReason::deadline, 5_MiB);
    operation.running = true;
    EXPECT_EQ(exit_code_for(Command::squeeze, operation), 0);
}

TEST(ExitCode, IsMetForACancelThatCancelled) {
    EXPECT_EQ(exit_code_for(Command::cancel, ended(EndReason::cancelled, 5_MiB)), 0);
}

TEST(ExitCode, IsMetForEveryAnswerThatIsNoOperation) {
    EXPECT_EQ(exit_code_for(Command::status, StatusView{}), 0);
    EXPECT_EQ(exit_code_for(Command::pause, std::monostate{}), 0);
}

}  // namespace
}  // namespace aerostat::cli
