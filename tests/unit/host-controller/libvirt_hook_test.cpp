#include "host-controller/app/libvirt_hook.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/loop.h"

namespace aerostat::host::app {
namespace {

using aerostat::testing::TemporaryDirectory;
using namespace aerostat::literals;
using namespace std::chrono_literals;

const HookCall kBegin{"web 1", "prepare", "begin"};
const HookCall kEnd{"web 1", "release", "end"};
const std::string kXml =
    "<domain type='kvm'><name>web 1</name><uuid>2b4ad1f4-39a5-4b9d-8f0f-24a8a4f6d7a1</uuid><memory unit='MiB'>2048</memory>"
    "<currentMemory unit='MiB'>1024</currentMemory></domain>";

ControlReply verdict(EndReason reason) {
    OperationView view;
    view.command = "reserve";
    view.asked = 1_GiB;
    view.reason = reason;
    view.detail = "512 MiB missing";
    ControlReply reply;
    reply.body = view;
    return reply;
}

Result<HookRules> rules_of(const std::string& text) {
    const TemporaryDirectory directory;
    std::ofstream(directory / "hook.toml") << text;
    return read_hook_rules(directory / "hook.toml");
}

TEST(LibvirtHook, AsksForWhatTheDomainStartsWithAndLeavesTimeToSayWhy) {
    const auto request = hook_request(kBegin, kXml, {});
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(request->command, Command::reserve);
    EXPECT_EQ(request->bytes, 1_GiB);
    EXPECT_EQ(request->guest, "domain:2b4ad1f4-39a5-4b9d-8f0f-24a8a4f6d7a1");
    EXPECT_EQ(request->target, "web_1") << "as hostd calls it";
    EXPECT_TRUE(request->hook);
    EXPECT_EQ(request->deadline, Millis(8000));
    const auto release = hook_request(kEnd, kXml, {});
    ASSERT_TRUE(release);
    EXPECT_EQ(release->command, Command::release);
    EXPECT_EQ(release->guest, request->guest);
}

TEST(LibvirtHook, HasNothingToDoWithTheOtherMomentsOfADomain) {
    for (const char* operation : {"start", "started", "stopped", "reconnect", "attach", "migrate", "restore", ""}) {
        const HookCall call{"web", operation, "begin"};
        EXPECT_FALSE(call.begins() || call.ends()) << operation;
    }
    EXPECT_FALSE((HookCall{"web", "prepare", "end"}).begins());
}

TEST(LibvirtHook, WhatIsNotADomainsXmlIsAnErrorAndNotACrash) {
    for (const std::string& xml : {std::string(), std::string("garbage"), std::string("<domain>"), std::string(2 << 20, 'x'),
                                   std::string("<domain><memory>1</memory></domain>"),
                                   std::string("<domain><uuid>../../etc</uuid><memory>1024</memory></domain>")}) {
        const auto request = hook_request(kBegin, xml, {});
        ASSERT_FALSE(request);
        EXPECT_EQ(request.error().code, ErrorCode::bad_value);
        EXPECT_TRUE(hook_verdict(kBegin, tl::unexpected(request.error()), {}).allow) << "as without a hostd";
    }
}

TEST(LibvirtHook, StartsWhatIsGrantedAndRefusesWhatDoesNotFit) {
    const HookVerdict granted = hook_verdict(kBegin, verdict(EndReason::met), {});
    EXPECT_TRUE(granted.allow);
    EXPECT_TRUE(granted.say.empty());
    const HookVerdict refused = hook_verdict(kBegin, verdict(EndReason::deadline), {});
    EXPECT_FALSE(refused.allow);
    EXPECT_NE(refused.say.find("512 MiB missing"), std::string::npos);
    HookRules lenient;
    lenient.refuse_when_short = false;
    EXPECT_TRUE(hook_verdict(kBegin, verdict(EndReason::deadline), lenient).allow);
    EXPECT_TRUE(hook_verdict(kEnd, tl::unexpected(Error{ErrorCode::not_found, "no hostd"}), {}).allow);
}

TEST(LibvirtHook, WithoutAHostdItDoesAsItWasTold) {
    const Result<ControlReply> nobody = tl::unexpected(Error{ErrorCode::not_found, "nobody listens"});
    EXPECT_TRUE(hook_verdict(kBegin, nobody, {}).allow);
    EXPECT_FALSE(hook_verdict(kBegin, nobody, {}).say.empty()) << "with a warning";
    HookRules strict;
    strict.refuse_when_down = true;
    EXPECT_FALSE(hook_verdict(kBegin, nobody, strict).allow);
    ControlReply error;
    error.error = Error{ErrorCode::busy, "too many"};
    EXPECT_FALSE(hook_verdict(kBegin, error, strict).allow);
    EXPECT_FALSE(hook_verdict(kBegin, ControlReply(), strict).allow) << "an answer to something else";
}

TEST(LibvirtHook, ReadsItsConfigurationStrictly) {
    const auto rules =
        rules_of("on_controller_down = \"refuse\"\non_shortage = \"allow\"\nlimit = \"3s\"\nsocket = \"/x\"\n");
    ASSERT_TRUE(rules) << rules.error().message;
    EXPECT_TRUE(rules->refuse_when_down);
    EXPECT_FALSE(rules->refuse_when_short);
    EXPECT_EQ(rules->limit, 3s);
    EXPECT_EQ(rules->socket, "/x");
    EXPECT_TRUE(read_hook_rules("/nonexistent/hook.toml")) << "the defaults";
    for (const char* wrong : {"limit = 3", "limit = \"1h\"", "on_controller_down = \"maybe\"", "colour = \"red\"", "[["})
        EXPECT_FALSE(rules_of(wrong)) << wrong;
}

TEST(LibvirtHook, ReadsNoMoreThanADomainsXmlCanBeAndNotForEver) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    EXPECT_EQ(read_bounded(ends[0], 20ms).error().code, ErrorCode::timed_out);
    ASSERT_EQ(::write(ends[1], "<domain/>", 9), 9);
    ::close(ends[1]);
    EXPECT_EQ(read_bounded(ends[0], 5s).value_or(""), "<domain/>");
    ::close(ends[0]);
    const TemporaryDirectory directory;
    std::ofstream(directory / "long") << std::string((1 << 20) + 1, 'x');
    FILE* file = std::fopen((directory / "long").c_str(), "r");
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(read_bounded(::fileno(file), 5s).error().code, ErrorCode::bad_value);
    std::fclose(file);
}

}  // namespace
}  // namespace aerostat::host::app
