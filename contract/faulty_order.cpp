#include "contract/faulty_order.h"

#include <string>

#include "contract/json_visitors.h"

namespace aerostat {
namespace {

/// Empty if it is not there, or could not be sent back.
std::string id_in(const Json& json, const char* field) {
    const auto found = json.find(field);
    if (found == json.end() || !found->is_string() || !is_valid_id(found->get_ref<const std::string&>())) return {};
    return found->get<std::string>();
}

bool is_order(const Json& json) {
    const auto type = json.find("type");
    return type != json.end() && type->is_string() && type->get_ref<const std::string&>() == "set_heap_target";
}

}  // namespace

std::optional<OperationResult> answer_to_faulty_order(std::string_view line, const Error& fault) {
    if (line.size() >= WireLimits::kLine) return std::nullopt;
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !is_order(json)) return std::nullopt;
    OperationResult answer;
    answer.session = id_in(json, "session");
    answer.op = id_in(json, "op");
    if (answer.session.empty() || answer.op.empty()) return std::nullopt;
    answer.reason = EndReason::unsupported;
    answer.detail = "the order is faulty: " + fault.message;
    return answer;
}

}  // namespace aerostat
