#include "contract/codec.h"

#include <algorithm>
#include <type_traits>

#include "contract/json_visitors.h"

namespace aerostat {
namespace {

tl::unexpected<Error> malformed(std::string_view what) {
    return fail(ErrorCode::bad_value, "malformed message: " + std::string(what));
}

// A line with its envelope checked.
struct Opened {
    Json json;
    std::string type;
    std::string id;
};

Result<Opened> open_line(std::string_view line) {
    if (line.size() >= WireLimits::kLine) return malformed("longer than 64 KiB");
    Opened opened;
    opened.json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (opened.json.is_discarded()) return malformed("not JSON");
    if (!opened.json.is_object()) return malformed("not a JSON object");
    const auto version = opened.json.find("v");
    if (version == opened.json.end() || !version->is_number_integer()) return malformed("v (the version) is missing");
    if (*version != kWireVersion)
        return fail(ErrorCode::unsupported,
                    "wire version " + printable(version->dump(), 20) + " is not supported; this is version 1");
    const auto type = opened.json.find("type");
    if (type == opened.json.end() || !type->is_string()) return malformed("type is missing");
    opened.type = type->get<std::string>();
    const auto id = opened.json.find("id");
    if (id == opened.json.end() || !id->is_string() || !is_valid_id(id->get_ref<const std::string&>())) {
        return malformed("id must be 1 to 64 of [A-Za-z0-9._~-]");
    }
    opened.id = id->get<std::string>();
    return opened;
}

template <class T>
Result<T> read(const Json& json, std::string_view type) {
    T value;
    JsonReader reader(json);
    wire_fields::describe(reader, value);
    if (!reader.problem.empty()) return malformed(std::string(type) + ": " + reader.problem);
    return value;
}

template <class T>
Result<Envelope> read_envelope(const Opened& opened) {
    return read<T>(opened.json, opened.type).map([&](T body) { return Envelope{opened.id, std::move(body)}; });
}

// The wire type of each message; `report` stands for two structs, told apart by "of".
template <class T>
constexpr std::string_view type_of() {
    if constexpr (std::is_same_v<T, Hello>)
        return "hello";
    else if constexpr (std::is_same_v<T, Welcome>)
        return "welcome";
    else if constexpr (std::is_same_v<T, JvmReport> || std::is_same_v<T, GuestReport>)
        return "report";
    else if constexpr (std::is_same_v<T, Apply>)
        return "apply";
    else if constexpr (std::is_same_v<T, SetHeapTarget>)
        return "set_heap_target";
    else if constexpr (std::is_same_v<T, OperationResult>)
        return "result";
    else if constexpr (std::is_same_v<T, Pressure>)
        return "pressure";
    else if constexpr (std::is_same_v<T, HostCondition>)
        return "condition";
    else if constexpr (std::is_same_v<T, LeaseRenewal>)
        return "lease";
    else if constexpr (std::is_same_v<T, Cancel>)
        return "cancel";
    else if constexpr (std::is_same_v<T, ErrorNotice>)
        return "error";
    else if constexpr (std::is_same_v<T, Watch>)
        return "watch";
    else if constexpr (std::is_same_v<T, MemoryNews>)
        return "memory";
    else if constexpr (std::is_same_v<T, ReclaimerFigures>)
        return "reclaimer";
    else if constexpr (std::is_same_v<T, ForgetReclaimer>)
        return "forget";
    else if constexpr (std::is_same_v<T, Reclaim>)
        return "reclaim";
    else if constexpr (std::is_same_v<T, Reclaimed>)
        return "reclaimed";
    else if constexpr (std::is_same_v<T, BalloonWords>)
        return "app_balloon";
}

template <class T>
constexpr std::string_view report_of() {
    if constexpr (std::is_same_v<T, JvmReport>)
        return "jvm";
    else if constexpr (std::is_same_v<T, GuestReport>)
        return "guest";
    else
        return "";
}

bool is_report_of(const Opened& opened, std::string_view whose) {
    const auto of = opened.json.find("of");
    return of != opened.json.end() && of->is_string() && of->get_ref<const std::string&>() == whose;
}

template <std::size_t Index = 0>
Result<Envelope> decode_by_type(const Opened& opened) {
    if constexpr (Index < std::variant_size_v<Message>) {
        using T = std::variant_alternative_t<Index, Message>;
        const bool same_report = report_of<T>().empty() || is_report_of(opened, report_of<T>());
        if (opened.type == type_of<T>() && same_report) return read_envelope<T>(opened);
        return decode_by_type<Index + 1>(opened);
    } else {
        if (opened.type == "report") return malformed("report: of must be jvm or guest");
        return fail(ErrorCode::unsupported, "unknown message type \"" + printable(opened.type, 40) + "\"");
    }
}

Json envelope(std::string_view type, const std::string& id) {
    Json json = Json::object();
    json["v"] = kWireVersion;
    json["type"] = type;
    json["id"] = id;
    return json;
}

std::string dump(const Json& json, int indent = -1) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

template <class T>
Result<Json> write(const T& value) {
    JsonWriter writer;
    T copy = value;  // the visitors take members by reference, for reading and writing alike
    wire_fields::describe(writer, copy);
    if (!writer.problem.empty()) return malformed(writer.problem);
    return std::move(writer.object);
}

Result<std::string> finish_line(const Json& json) {
    std::string line = dump(json);
    line.push_back('\n');
    if (line.size() > WireLimits::kLine) return malformed("longer than 64 KiB");
    return line;
}

Status check_id(const std::string& id) {
    if (!is_valid_id(id)) return malformed("id must be 1 to 64 of [A-Za-z0-9._~-]");
    return {};
}

// The word for each kind of reply body; also the key it stands under.
template <class T>
constexpr const char* body_name() {
    if constexpr (std::is_same_v<T, StatusView>)
        return "status";
    else if constexpr (std::is_same_v<T, PlanView>)
        return "plan";
    else if constexpr (std::is_same_v<T, OperationsView>)
        return "operations";
    else if constexpr (std::is_same_v<T, OperationView>)
        return "operation";
    else if constexpr (std::is_same_v<T, DoctorView>)
        return "doctor";
    else
        return "";
}

// The list by which a body can be cut into parts; nullptr for a body without one.
auto* part_list(StatusView& view) { return &view.guests; }
auto* part_list(PlanView& view) { return &view.rows; }
auto* part_list(OperationsView& view) { return &view.operations; }
auto* part_list(DoctorView& view) { return &view.findings; }
std::vector<char>* part_list(OperationView&) { return nullptr; }
std::vector<char>* part_list(std::monostate&) { return nullptr; }

template <class T>
Result<std::string> encode_part(const std::string& id, bool more, const T& body) {
    Json json = envelope("reply", id);
    if (more) json["more"] = true;
    if constexpr (!std::is_same_v<T, std::monostate>) {
        auto written = write(body);
        if (!written) return tl::unexpected(written.error());
        json[body_name<T>()] = *std::move(written);
    }
    return finish_line(json);
}

// Halves the list until each part fits a line: simple, and long lists are rare.
template <class T>
Result<std::string> encode_parts(const std::string& id, bool more, T body) {
    auto* list = part_list(body);
    const bool may_fit = !list || list->size() <= WireLimits::kListPart;
    if (may_fit) {
        auto line = encode_part(id, more, body);
        if (line || !list || list->size() < 2) return line;
    }
    if constexpr (!std::is_same_v<T, std::monostate> && !std::is_same_v<T, OperationView>) {
        T second = body;
        auto* rest = part_list(second);
        const auto half = static_cast<std::ptrdiff_t>(list->size() / 2);
        list->erase(list->begin() + half, list->end());
        rest->erase(rest->begin(), rest->begin() + half);
        auto first_lines = encode_parts(id, true, std::move(body));
        if (!first_lines) return first_lines;
        auto second_lines = encode_parts(id, more, std::move(second));
        if (!second_lines) return second_lines;
        return *first_lines + *second_lines;
    } else {
        return malformed("longer than 64 KiB");
    }
}

template <std::size_t Index = 1>
Result<ReplyBody> decode_body(const Json& json) {
    if constexpr (Index < std::variant_size_v<ReplyBody>) {
        using T = std::variant_alternative_t<Index, ReplyBody>;
        const auto found = json.find(body_name<T>());
        if (found == json.end()) return decode_body<Index + 1>(json);
        return read<T>(*found, body_name<T>()).map([](T body) { return ReplyBody(std::move(body)); });
    } else {
        return ReplyBody();
    }
}

}  // namespace

Result<Envelope> decode_message(std::string_view line) {
    auto opened = open_line(line);
    if (!opened) return tl::unexpected(opened.error());
    return decode_by_type(*opened);
}

Result<std::string> encode(const Envelope& message) {
    if (auto id = check_id(message.id); !id) return tl::unexpected(id.error());
    return std::visit(
        [&](const auto& body) -> Result<std::string> {
            using T = std::decay_t<decltype(body)>;
            Json json = envelope(type_of<T>(), message.id);
            if constexpr (!report_of<T>().empty()) json["of"] = report_of<T>();
            auto written = write(body);
            if (!written) return tl::unexpected(written.error());
            json.update(*written);
            return finish_line(json);
        },
        message.body);
}

Result<ControlRequest> decode_request(std::string_view line) {
    auto opened = open_line(line);
    if (!opened) return tl::unexpected(opened.error());
    if (opened->type != "request")
        return fail(ErrorCode::unsupported, "a request is expected here, not \"" + printable(opened->type, 40) + "\"");
    const auto command = opened->json.find("command");
    if (command != opened->json.end() && command->is_string() &&
        !from_wire_name<Command>(command->get_ref<const std::string&>())) {
        return fail(ErrorCode::unsupported,
                    "unknown command \"" + printable(command->get_ref<const std::string&>(), 40) + "\"");
    }
    auto request = read<ControlRequest>(opened->json, "request");
    if (request) request->id = opened->id;
    return request;
}

Result<std::string> encode(const ControlRequest& request) {
    if (auto id = check_id(request.id); !id) return tl::unexpected(id.error());
    auto written = write(request);
    if (!written) return tl::unexpected(written.error());
    Json json = envelope("request", request.id);
    json.update(*written);
    return finish_line(json);
}

Result<ControlReply> decode_reply(std::string_view line) {
    auto opened = open_line(line);
    if (!opened) return tl::unexpected(opened.error());
    if (opened->type != "reply")
        return fail(ErrorCode::unsupported, "a reply is expected here, not \"" + printable(opened->type, 40) + "\"");
    ControlReply reply;
    reply.id = opened->id;
    const auto more = opened->json.find("more");
    reply.more = more != opened->json.end() && more->is_boolean() && more->get<bool>();
    if (const auto error = opened->json.find("error"); error != opened->json.end()) {
        auto notice = read<ErrorNotice>(*error, "error");
        if (!notice) return tl::unexpected(notice.error());
        reply.error = Error{from_wire_name<ErrorCode>(notice->code).value_or(ErrorCode::internal), notice->message};
        return reply;
    }
    auto body = decode_body(opened->json);
    if (!body) return tl::unexpected(body.error());
    reply.body = *std::move(body);
    return reply;
}

Result<std::string> encode(const ControlReply& reply) {
    if (auto id = check_id(reply.id); !id) return tl::unexpected(id.error());
    if (reply.error) {
        Json json = envelope("reply", reply.id);
        auto notice = write(ErrorNotice{std::string(to_string(reply.error->code)), reply.error->message});
        if (!notice) return tl::unexpected(notice.error());
        json["error"] = *notice;
        return finish_line(json);
    }
    return std::visit([&](const auto& body) { return encode_parts(reply.id, reply.more, body); }, reply.body);
}

Status append_part(ControlReply& so_far, ControlReply part) {
    if (so_far.body.index() != part.body.index()) return malformed("the parts of a reply are of different kinds");
    bool too_many = false;
    std::visit(
        [&](auto& body) {
            using T = std::decay_t<decltype(body)>;
            auto* list = part_list(body);
            auto* more = part_list(std::get<T>(part.body));
            if (!list || !more) return;
            too_many = list->size() + more->size() > WireLimits::kReplyEntries;
            if (!too_many) std::move(more->begin(), more->end(), std::back_inserter(*list));
        },
        so_far.body);
    if (too_many) return malformed("a reply of more than 10,000 entries");
    so_far.more = part.more;
    return {};
}

std::string body_as_json(const ReplyBody& body, int indent) {
    return std::visit(
        [&](const auto& value) -> std::string {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
                return "{}";
            } else {
                JsonWriter writer;
                auto copy = value;
                wire_fields::describe(writer, copy);
                return dump(writer.object, indent);
            }
        },
        body);
}

std::string error_as_json(const Error& error, int indent) {
    Json json = Json::object();
    json["error"] = {{"code", to_string(error.code)}, {"message", error.message}};
    return dump(json, indent);
}

std::string id_of_malformed(std::string_view line) {
    if (line.size() >= WireLimits::kLine) return {};
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return {};
    const auto id = json.find("id");
    if (id == json.end() || !id->is_string() || !is_valid_id(id->get_ref<const std::string&>())) return {};
    return id->get<std::string>();
}

}  // namespace aerostat
