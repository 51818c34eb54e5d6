#include "contract/codec.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace aerostat {
namespace {

using namespace aerostat::literals;
using testing::a_guest_view;
using testing::a_report;

// One of each message, no field left at its default where it has one.
std::vector<Message> one_of_each() {
    OperationResult result{"s1",         "op1",  2_GiB, 1_GiB, 900_MiB, 1_GiB, EndReason::deadline, RestIs::rolled_back,
                           Millis(5000), "late", {}};
    result.jvms.push_back({"shop", 3_GiB, 2_GiB, 2_GiB, 1_GiB, std::nullopt, 1_GiB, EndReason::gc_distress, "full GC"});
    GuestReport guest{{a_report(), a_report("cart")}, 16_GiB, 3_GiB, 0.25, std::nullopt, true, testing::a_report_of_os()};
    Apply apply{"s1",        "op1",        {{"shop", {1_GiB}}},   GuestTarget{8_GiB},
                Millis(100), Millis(2000), OnShortfall::rollback, Cap::hard,
                Millis(9)};
    return {
        Hello{Role::agent, "shop", "s1", "0.1.0", a_report().facts},
        Hello{Role::guest, "vm1", "s2", "0.1.0", std::nullopt},
        Welcome{"s1", "shop~12", Millis(12)},
        a_report(),
        guest,
        apply,
        SetHeapTarget{"s1", "op1", {1_GiB}, Millis(1), Millis(2), OnShortfall::rollback, Cap::elastic, std::nullopt},
        result,
        Pressure{64_MiB, "gc-distress", "shop"},
        HostCondition{"tight", 0.5, 6_GiB, 128_MiB},
        LeaseRenewal{"s1", Millis(30'000)},
        Cancel{"s1", "op1", OnShortfall::rollback},
        ErrorNotice{"bad-value", "no such thing"},
        Watch{WatchFor::all},
        MemoryNews{ConditionLevel::tight, ConditionTrend::falling, ConditionValidity::no_host, 12, 3_GiB, 1_MiB, Millis(10)},
        ReclaimerFigures{"pictures", 64_MiB, 0.01},
        ForgetReclaimer{"pictures"},
        Reclaim{"pictures", 32_MiB, Millis(2000)},
        Reclaimed{"pictures", 16_MiB},
        BalloonWords{"s1", "told 5 600 601"}};
}

TEST(Codec, EveryMessageComesBackTheSame) {
    for (const Message& message : one_of_each()) {
        const auto line = encode(Envelope{"id-1", message});
        ASSERT_TRUE(line) << line.error().message;
        EXPECT_EQ(line->back(), '\n');
        const auto decoded = decode_message(line->substr(0, line->size() - 1));
        ASSERT_TRUE(decoded) << *line << decoded.error().message;
        EXPECT_EQ(decoded->id, "id-1");
        EXPECT_EQ(decoded->body.index(), message.index());
        EXPECT_EQ(*encode(*decoded), *line) << "a second trip must change nothing";
    }
}

TEST(Codec, KeepsTheValuesOfAReport) {
    const JvmReport sent = a_report();
    const auto line = encode(Envelope{"1", sent});
    const auto got = std::get<JvmReport>(decode_message(std::string_view(*line).substr(0, line->size() - 1))->body);
    EXPECT_EQ(got.footprint, sent.footprint);
    EXPECT_EQ(got.live, sent.live);
    EXPECT_EQ(got.target, sent.target);
    EXPECT_EQ(got.curve, sent.curve);
    EXPECT_EQ(got.levers, sent.levers);
    EXPECT_EQ(got.held, sent.held);
    EXPECT_EQ(got.full_gcs, sent.full_gcs);
    EXPECT_DOUBLE_EQ(got.alloc_bytes_per_s, sent.alloc_bytes_per_s);
}

TEST(Codec, AbsentIsNotZero) {
    JvmReport report = a_report();
    report.live = std::nullopt;
    report.full_gcs = std::nullopt;
    const auto line = encode(Envelope{"1", report});
    EXPECT_EQ(line->find("live_bytes"), std::string::npos);
    const auto got = std::get<JvmReport>(decode_message(std::string_view(*line).substr(0, line->size() - 1))->body);
    EXPECT_FALSE(got.live);
    EXPECT_FALSE(got.full_gcs);
}

TEST(Codec, IgnoresUnknownFields) {
    EXPECT_TRUE(
        decode_message(R"({"v":1,"type":"lease","id":"x","session":"s","lease_ms":5,"colour":"blue","deep":{"a":[1]}})"));
}

TEST(Codec, TellsUnknownTypesFromMalformedLines) {
    EXPECT_EQ(decode_message(R"({"v":1,"type":"dance","id":"x"})").error().code, ErrorCode::unsupported);
    EXPECT_EQ(decode_message(R"({"v":2,"type":"lease","id":"x"})").error().code, ErrorCode::unsupported);
    EXPECT_EQ(decode_request(R"({"v":1,"type":"request","id":"x","command":"dance"})").error().code, ErrorCode::unsupported);
    EXPECT_EQ(decode_message("{").error().code, ErrorCode::bad_value);
    EXPECT_EQ(id_of_malformed(R"({"v":1,"type":"dance","id":"x"})"), "x");
    EXPECT_EQ(id_of_malformed("{"), "");
}

struct BadLine {
    const char* line;
    const char* names;  // what the sentence must name
};

TEST(Codec, NamesTheFieldThatIsWrong) {
    const BadLine bad[] = {
        {"", "JSON"},
        {"[]", "object"},
        {"null", "object"},
        {R"({"type":"lease","id":"x"})", "version"},
        {R"({"v":1,"id":"x"})", "type"},
        {R"({"v":1,"type":"lease"})", "id"},
        {R"({"v":1,"type":"lease","id":"a b","session":"s","lease_ms":5})", "id"},
        {R"({"v":1,"type":"lease","id":"x","session":"s"})", "lease_ms is missing"},
        {R"({"v":1,"type":"lease","id":"x","session":"s","lease_ms":-5})", "lease_ms"},
        {R"({"v":1,"type":"lease","id":"x","session":"s","lease_ms":1.5})", "lease_ms"},
        {R"({"v":1,"type":"lease","id":"x","session":"s","lease_ms":"5"})", "lease_ms"},
        {R"({"v":1,"type":"lease","id":"x","session":"s","lease_ms":99999999999999999})", "lease_ms"},
        {R"({"v":1,"type":"lease","id":"x","session":"../etc","lease_ms":5})", "session"},
        {R"({"v":1,"type":"pressure","id":"x","wanted_bytes":18446744073709551615})", "wanted_bytes"},
        {R"({"v":1,"type":"pressure","id":"x","wanted_bytes":1e3})", "wanted_bytes"},
        {R"({"v":1,"type":"cancel","id":"x","session":"s","op":"o","on_shortfall":"maybe"})", "on_shortfall"},
        {R"({"v":1,"type":"report","id":"x"})", "of"},
        {R"({"v":1,"type":"apply","id":"x","session":"s","op":"o","deadline_ms":1,"jvms":[{"jvm":"a"}]})", "target_bytes"},
        {R"({"v":1,"type":"apply","id":"x","session":"s","op":"o","deadline_ms":1,"jvms":{}})", "jvms"},
        {R"({"v":1,"type":"condition","id":"x","level":"tight","price":1e999})", "JSON"},
    };
    for (const BadLine& entry : bad) {
        const auto decoded = decode_message(entry.line);
        ASSERT_FALSE(decoded) << entry.line;
        EXPECT_NE(decoded.error().message.find(entry.names), std::string::npos)
            << entry.line << ": " << decoded.error().message;
    }
}

TEST(Codec, BoundsEveryList) {
    GuestReport report;
    report.jvms.assign(WireLimits::kJvms + 1, a_report());
    EXPECT_FALSE(encode(Envelope{"1", report}));
    std::string line = R"({"v":1,"type":"apply","id":"x","session":"s","op":"o","deadline_ms":1,"jvms":[)";
    for (std::size_t i = 0; i <= WireLimits::kJvms; ++i)
        line += std::string(i ? "," : "") + R"({"jvm":"a","target_bytes":1})";
    EXPECT_FALSE(decode_message(line + "]}"));
    EXPECT_FALSE(decode_message(R"({"v":1,"type":"error","id":"x","message":")" + std::string(600, 'a') + R"("})"));
    EXPECT_FALSE(
        decode_message(R"({"v":1,"type":"error","id":"x","message":")" + std::string(WireLimits::kLine, 'a') + R"("})"));
}

TEST(Codec, SurvivesDeepNesting) {
    EXPECT_FALSE(decode_message(std::string(60'000, '[')));
    std::string deep = R"({"v":1,"type":"lease","id":"x","session":"s","lease_ms":5,"deep":)";
    deep += std::string(20'000, '[') + std::string(20'000, ']') + "}";
    EXPECT_TRUE(decode_message(deep));
}

TEST(Codec, AFullReportOfAllJvmsFitsALine) {
    GuestReport report;
    report.memory_total = 64_GiB;
    for (std::size_t i = 0; i < WireLimits::kJvms; ++i)
        report.jvms.push_back(a_report("a-rather-long-service-name-number-" + std::to_string(i)));
    const auto line = encode(Envelope{"1", report});
    ASSERT_TRUE(line) << line.error().message;
    EXPECT_LE(line->size(), WireLimits::kLine);
}

TEST(Codec, RefusesToSendWhatThePeerCouldNotRead) {
    EXPECT_FALSE(encode(Envelope{"", LeaseRenewal{"s", Millis(1)}}));
    EXPECT_FALSE(encode(Envelope{"1", LeaseRenewal{"s p", Millis(1)}}));
    EXPECT_FALSE(encode(Envelope{"1", LeaseRenewal{"s", Millis(-1)}}));
    EXPECT_FALSE(encode(Envelope{"1", HostCondition{"x", std::nan("")}}));
}

TEST(Codec, ReservationsAndFindingsComeBackTheSame) {
    ControlRequest request;
    request.id = "r1";
    request.command = Command::reserve;
    request.bytes = 2_GiB;
    request.guest = "domain:2b4ad1f4-39a5-4b9d-8f0f-24a8a4f6d7a1";
    request.hook = true;
    const auto line = encode(request);
    ASSERT_TRUE(line);
    const auto got = decode_request(std::string_view(*line).substr(0, line->size() - 1));
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->guest, request.guest);
    EXPECT_TRUE(got->hook);
    ControlReply reply;
    reply.id = "r1";
    reply.body = DoctorView{{{"channel", "web", "bad", "it has none", "add one"}}};
    const auto told = encode(reply);
    ASSERT_TRUE(told);
    const auto heard = decode_reply(std::string_view(*told).substr(0, told->size() - 1));
    ASSERT_TRUE(heard) << heard.error().message;
    const auto* doctor = std::get_if<DoctorView>(&heard->body);
    ASSERT_TRUE(doctor);
    ASSERT_EQ(doctor->findings.size(), 1U);
    EXPECT_EQ(doctor->findings[0].remedy, "add one");
}

TEST(Codec, RequestsComeBackTheSame) {
    ControlRequest request;
    request.id = "r1";
    request.command = Command::squeeze;
    request.target = "vm1/shop";
    request.bytes = 2_GiB;
    request.deadline = Millis(5000);
    request.on_shortfall = OnShortfall::rollback;
    request.local = true;
    request.wait = false;
    const auto line = encode(request);
    ASSERT_TRUE(line);
    const auto got = decode_request(std::string_view(*line).substr(0, line->size() - 1));
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(*encode(*got), *line);
    EXPECT_EQ(got->target, "vm1/shop");
    EXPECT_EQ(got->bytes, 2_GiB);
    EXPECT_FALSE(got->wait);
}

// Feeds the lines of a reply as a client does.
ControlReply received(const std::string& lines, std::size_t& count) {
    ControlReply whole;
    count = 0;
    for (std::size_t begin = 0; begin < lines.size();) {
        const std::size_t end = lines.find('\n', begin);
        auto part = decode_reply(std::string_view(lines).substr(begin, end - begin));
        EXPECT_TRUE(part) << part.error().message;
        EXPECT_LE(end + 1 - begin, WireLimits::kLine);
        if (count++ == 0)
            whole = *part;
        else
            EXPECT_TRUE(append_part(whole, *part));
        begin = end + 1;
    }
    return whole;
}

TEST(Codec, ALongReplyTravelsInPartsAndArrivesWhole) {
    StatusView status;
    status.daemon = "hostd";
    for (int i = 0; i < 500; ++i) status.guests.push_back(a_guest_view("vm" + std::to_string(i)));
    const auto lines = encode(ControlReply{"r1", false, std::nullopt, status});
    ASSERT_TRUE(lines) << lines.error().message;
    std::size_t count = 0;
    const ControlReply whole = received(*lines, count);
    EXPECT_GT(count, 8U);
    EXPECT_FALSE(whole.more);
    const auto& got = std::get<StatusView>(whole.body);
    ASSERT_EQ(got.guests.size(), 500U);
    for (std::size_t i = 0; i < 500; ++i) EXPECT_EQ(got.guests[i].name, "vm" + std::to_string(i));
}

TEST(Codec, RepliesCarryErrorsAndOperations) {
    const auto error_line = encode(ControlReply{"r1", false, Error{ErrorCode::denied, "no"}, {}});
    const auto error_reply = decode_reply(std::string_view(*error_line).substr(0, error_line->size() - 1));
    ASSERT_TRUE(error_reply && error_reply->error);
    EXPECT_EQ(error_reply->error->code, ErrorCode::denied);

    OperationView view;
    view.op = "op1";
    view.command = "squeeze";
    view.asked = 2_GiB;
    view.obtained = 1_GiB;
    view.reason = EndReason::floor;
    const std::string json = body_as_json(view, -1);
    for (const char* key : {"\"asked\":2147483648", "\"obtained\":1073741824", "\"shortfall\":0", "\"reason\":\"floor\"",
                            "\"elapsed_ms\":0"}) {
        EXPECT_NE(json.find(key), std::string::npos) << json;
    }
    std::size_t count = 0;
    EXPECT_EQ(std::get<OperationView>(received(*encode(ControlReply{"r", false, std::nullopt, view}), count).body).op,
              "op1");
    EXPECT_EQ(count, 1U);
}

TEST(Codec, PartsOfDifferentKindsAreNotMixed) {
    ControlReply status{"r", true, std::nullopt, StatusView{}};
    EXPECT_FALSE(append_part(status, ControlReply{"r", false, std::nullopt, PlanView{}}));
}

}  // namespace
}  // namespace aerostat
