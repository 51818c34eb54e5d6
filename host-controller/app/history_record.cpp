#include "host-controller/app/history_record.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "host-controller/app/history_fields.h"
#include "host-controller/decide/policies.h"

namespace aerostat::host::app {
namespace {

using Json = nlohmann::ordered_json;
using Wall = std::chrono::system_clock::time_point;

constexpr int kVersion = 1;
constexpr std::size_t kLongestText = 512;
constexpr std::size_t kMostEntries = 10'000;

template <class V, class T>
concept Described = requires(V& v, T& m) {
    history_fields::describe(v, m);
};

/// Writes; remembers whether a figure could not be written.
class Writer {
public:
    Json object = Json::object();
    bool finite = true;

    template <class T>
    void field(const char* name, T& value) {
        object[name] = json(value);
    }
    template <class T>
    void field(const char* name, std::optional<T>& value) {
        if (value) object[name] = json(*value);
    }

private:
    Json json(bool value) { return value; }
    Json json(const std::string& value) { return value.substr(0, kLongestText); }
    Json json(double value) {
        finite = finite && std::isfinite(value);
        return value;
    }
    Json json(Bytes value) { return value.count(); }
    Json json(Duration value) { return value.count(); }
    Json json(TimePoint value) { return value.time_since_epoch().count(); }
    Json json(Wall value) { return std::chrono::duration_cast<Duration>(value.time_since_epoch()).count(); }
    Json json(LayerKind kind) { return kind == LayerKind::guest_os ? "guest_os" : "java_heap"; }
    Json json(const SharePolicy* policy) { return policy->name(); }
    Json json(const CostCurve& curve) {
        Json points = Json::array();
        for (const CostPoint& point : curve.points()) points.push_back(Json::array({point.memory.count(), point.cost}));
        return points;
    }
    Json json(const std::set<GuestId>& names) { return names; }
    template <class T>
    Json json(std::vector<T>& list) {
        Json array = Json::array();
        for (T& one : list) array.push_back(json(one));
        return array;
    }
    template <class T>
    Json json(LayerMap<T>& map) {
        Json array = Json::array();
        for (auto& [key, value] : map) {
            Json entry = json(value);
            entry["guest"] = key.first;
            entry["layer"] = key.second;
            array.push_back(std::move(entry));
        }
        return array;
    }
    template <class T>
    requires Described<Writer, T> Json json(T& value) {
        Writer inner;
        history_fields::describe(inner, value);
        finite = finite && inner.finite;
        return std::move(inner.object);
    }
};

/// Reads; the first field that is missing, of another type or out of bounds is remembered, and the whole is then not used.
class Reader {
public:
    explicit Reader(const Json& object) : object_(object) {
        if (!object.is_object()) problem = "an object is expected";
    }
    std::string problem;

    template <class T>
    void field(const char* name, T& value) {
        if (const Json* found = find(name)) {
            if (!take(*found, value) && problem.empty()) problem = std::string(name) + " is not what it should be";
        } else if (problem.empty()) {
            problem = std::string(name) + " is missing";
        }
    }
    template <class T>
    void field(const char* name, std::optional<T>& value) {
        const Json* found = find(name);
        if (found && !take(*found, value.emplace()) && problem.empty()) problem = std::string(name) + " is malformed";
    }

private:
    const Json* find(const char* name) const {
        if (!problem.empty()) return nullptr;
        const auto found = object_.find(name);
        return found == object_.end() ? nullptr : &*found;
    }
    static bool take(const Json& json, bool& value) {
        if (json.is_boolean()) value = json.get<bool>();
        return json.is_boolean();
    }
    static bool take(const Json& json, std::string& value) {
        if (!json.is_string() || json.get_ref<const std::string&>().size() > kLongestText) return false;
        value = json.get<std::string>();
        return true;
    }
    static bool take(const Json& json, double& value) {
        if (!json.is_number()) return false;
        value = json.get<double>();
        return std::isfinite(value);
    }
    static bool take(const Json& json, Bytes& value) {
        if (!json.is_number_unsigned() || json.get<std::uint64_t>() > Bytes::kLimit) return false;
        value = Bytes(json.get<std::uint64_t>());
        return true;
    }
    static bool take(const Json& json, Duration& value) {
        // Half the range, so that sums of two times do not overflow.
        constexpr std::int64_t kMost = std::int64_t{1} << 62;
        if (!json.is_number_integer() || json.get<std::int64_t>() < 0 || json.get<std::uint64_t>() > kMost) return false;
        value = Duration(json.get<std::int64_t>());
        return true;
    }
    static bool take(const Json& json, TimePoint& value) {
        Duration since{};
        if (!take(json, since)) return false;
        value = TimePoint(since);
        return true;
    }
    static bool take(const Json& json, Wall& value) {
        Duration since{};
        if (!take(json, since)) return false;
        value = Wall(std::chrono::duration_cast<Wall::duration>(since));
        return true;
    }
    static bool take(const Json& json, LayerKind& value) {
        value = json == "guest_os" ? LayerKind::guest_os : LayerKind::java_heap;
        return json == "guest_os" || json == "java_heap";
    }
    static bool take(const Json& json, const SharePolicy*& value) {
        const SharePolicy* known = json.is_string() ? policy_named(json.get_ref<const std::string&>()) : nullptr;
        if (known) value = known;
        return known != nullptr;
    }
    static bool take(const Json& json, CostCurve& value) {
        if (!is_list(json)) return false;
        std::vector<CostPoint> points;
        for (const Json& entry : json) {
            CostPoint& point = points.emplace_back();
            if (!entry.is_array() || entry.size() != 2 || !take(entry[0], point.memory) || !take(entry[1], point.cost))
                return false;
        }
        auto curve = CostCurve::make(std::move(points));
        if (!curve) return false;
        value = *std::move(curve);
        return true;
    }
    static bool take(const Json& json, std::set<GuestId>& value) {
        if (!is_list(json)) return false;
        for (const Json& entry : json) {
            GuestId name;
            if (!take(entry, name)) return false;
            value.insert(std::move(name));
        }
        return true;
    }
    template <class T>
    bool take(const Json& json, std::vector<T>& value) {
        if (!is_list(json)) return false;
        for (const Json& entry : json) {
            if (!take(entry, value.emplace_back())) return false;
        }
        return true;
    }
    template <class T>
    bool take(const Json& json, LayerMap<T>& value) {
        if (!is_list(json)) return false;
        for (const Json& entry : json) {
            LayerKey key;
            T one;
            Reader names(entry);
            names.field("guest", key.first);
            names.field("layer", key.second);
            if (!names.problem.empty() || !take(entry, one)) return false;
            value[std::move(key)] = std::move(one);
        }
        return true;
    }
    template <class T>
    requires Described<Reader, T>
    bool take(const Json& json, T& value) {
        Reader inner(json);
        history_fields::describe(inner, value);
        if (!inner.problem.empty() && problem.empty()) problem = inner.problem;
        return inner.problem.empty();
    }
    static bool is_list(const Json& json) { return json.is_array() && json.size() <= kMostEntries; }

    const Json& object_;
};

// What decide() relies on, and a configuration would have refused.
bool holds_together(const HostRules& rules) {
    for (const GuestRule& rule : rules.guests) {
        if (!(rule.limits.weight > 0)) return false;
    }
    return rules.emergency_reserve < rules.memory && rules.pacing.payback > Duration();
}

}  // namespace

Result<std::string> encode_record(const DecisionRecord& record) {
    Writer writer;
    writer.object["v"] = kVersion;
    DecisionRecord copy = record;
    history_fields::describe(writer, copy);
    if (!writer.finite) return fail(ErrorCode::bad_value, "a figure of this decision is not finite");
    std::string line = writer.object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    if (line.size() > kLongestRecord) return fail(ErrorCode::bad_value, "this decision is too long to be kept");
    return line;
}

Result<DecisionRecord> decode_record(std::string_view line) {
    if (line.size() > kLongestRecord) return fail(ErrorCode::bad_value, "a record is longer than 16 MiB");
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return fail(ErrorCode::bad_value, "this is no record");
    if (const auto version = json.find("v"); version == json.end() || *version != kVersion)
        return fail(ErrorCode::unsupported, "a record of another version");
    DecisionRecord record;
    Reader reader(json);
    history_fields::describe(reader, record);
    if (!reader.problem.empty()) return fail(ErrorCode::bad_value, "a record: " + reader.problem);
    if (!holds_together(record.rules)) return fail(ErrorCode::bad_value, "a record whose rules do not hold together");
    return record;
}

}  // namespace aerostat::host::app
