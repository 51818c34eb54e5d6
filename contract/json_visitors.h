#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "contract/names.h"
#include "contract/wire_fields.h"
#include "contract/wire_names.h"

// The two visitors of wire_fields.h. Private to the codec.
namespace aerostat {

using Json = nlohmann::ordered_json;

/// One line of plain words: nothing in it that could end it, or that is written in more than one way.
[[nodiscard]] inline bool are_words(std::string_view text) {
    const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
    return !text.empty() && text.size() <= WireLimits::kWords && std::all_of(text.begin(), text.end(), is_plain);
}

template <class T>
concept WireEnum = requires {
    WireNames<T>::table;
};

/// Writes a struct into a JSON object. The first broken bound is remembered in `problem`.
class JsonWriter {
public:
    Json object = Json::object();
    std::string problem;

    template <class T>
    void field(const char* name, T& value) {
        object[name] = to_json(name, value);
    }
    template <class T>
    void maybe(const char* name, T& value) {
        field(name, value);
    }
    template <class T>
    void maybe(const char* name, std::optional<T>& value) {
        if (value) field(name, *value);
    }
    void text(const char* name, std::string& value) {
        if (!value.empty()) object[name] = printable(value, WireLimits::kText - 4);  // "…" takes three more bytes
    }
    void words(const char* name, std::string& value) {
        if (!are_words(value)) return broken(std::string(name) + " is no line of words");
        object[name] = value;
    }
    void name(const char* name, std::string& value) { label(name, value, is_valid_name(value)); }
    void id(const char* name, std::string& value) { label(name, value, is_valid_id(value)); }
    void name_or_empty(const char* field_name, std::string& value) {
        if (!value.empty()) name(field_name, value);
    }
    void id_or_empty(const char* field_name, std::string& value) {
        if (!value.empty()) id(field_name, value);
    }
    void texts(const char* name, std::vector<std::string>& values, std::size_t most) {
        bound_count(name, values.size(), most);
        Json array = Json::array();
        for (std::string& value : values) array.push_back(printable(value, WireLimits::kText - 4));
        if (!values.empty()) object[name] = std::move(array);
    }
    template <class T>
    void list(const char* name, std::vector<T>& values, std::size_t most) {
        bound_count(name, values.size(), most);
        Json array = Json::array();
        for (T& value : values) array.push_back(to_json(name, value));
        object[name] = std::move(array);
    }

private:
    void broken(std::string what) {
        if (problem.empty()) problem = std::move(what);
    }
    void label(const char* name, const std::string& value, bool valid) {
        if (!valid)
            broken(std::string(name) + ": \"" + printable(value, 80) + "\" is not a valid name");
        else
            object[name] = value;
    }
    void bound_count(const char* name, std::size_t count, std::size_t most) {
        if (count > most)
            broken(std::string(name) + ": " + std::to_string(count) + " entries, at most " + std::to_string(most) +
                   " are allowed");
    }
    Json to_json(const char*, bool value) { return value; }
    Json to_json(const char*, std::uint64_t value) { return value; }
    Json to_json(const char* name, double value) {
        if (!std::isfinite(value)) broken(std::string(name) + " is not a finite number");
        return value;
    }
    Json to_json(const char*, Bytes value) { return value.count(); }
    Json to_json(const char*, HeapTarget value) { return value.footprint.count(); }
    Json to_json(const char*, GuestTarget value) { return value.left_to_guest.count(); }
    Json to_json(const char* name, Millis value) {
        if (value.count() < 0) broken(std::string(name) + " is negative");
        return value.count();
    }
    template <WireEnum T>
    Json to_json(const char*, T value) {
        return wire_name(value);
    }
    Json to_json(const char*, const CostCurve& curve) {
        Json points = Json::array();
        for (const CostPoint& point : curve.points()) points.push_back(Json::array({point.memory.count(), point.cost}));
        return points;
    }
    template <class T>
    requires requires(JsonWriter& w, T& v) { wire_fields::describe(w, v); }
    Json to_json(const char* name, T& value) {
        JsonWriter inner;
        wire_fields::describe(inner, value);
        if (!inner.problem.empty()) broken(std::string(name) + ": " + inner.problem);
        return std::move(inner.object);
    }
};

/// Reads a struct from a JSON object; the first field that is missing, of another type or out of bounds is remembered in
/// `problem`, and the struct is then not to be used.
class JsonReader {
public:
    explicit JsonReader(const Json& object) : object_(object) {
        if (!object_.is_object()) broken("an object is expected");
    }
    std::string problem;

    template <class T>
    void field(const char* name, T& value) {
        if (const Json* found = required(name)) take(name, *found, value);
    }
    template <class T>
    void maybe(const char* name, T& value) {
        if (const Json* found = find(name)) take(name, *found, value);
    }
    template <class T>
    void maybe(const char* name, std::optional<T>& value) {
        if (const Json* found = find(name)) take(name, *found, value.emplace());
    }
    void text(const char* name, std::string& value) {
        if (const Json* found = find(name)) take_text(name, *found, value);
    }
    void words(const char* name, std::string& value) {
        const Json* found = required(name);
        if (!found) return;
        if (!found->is_string() || !are_words(found->get_ref<const std::string&>()))
            return broken(std::string(name) + " must be a line of words");
        value = found->get<std::string>();
    }
    void name(const char* name, std::string& value) {
        if (const Json* found = required(name)) take_label(name, *found, value);
    }
    void id(const char* field_name, std::string& value) { name(field_name, value); }
    void name_or_empty(const char* name, std::string& value) {
        if (const Json* found = find(name)) take_label(name, *found, value);
    }
    void id_or_empty(const char* field_name, std::string& value) { name_or_empty(field_name, value); }
    void texts(const char* name, std::vector<std::string>& values, std::size_t most) {
        const Json* found = find(name);
        if (!found || !is_list(name, *found, most)) return;
        for (const Json& entry : *found) take_text(name, entry, values.emplace_back());
    }
    template <class T>
    void list(const char* name, std::vector<T>& values, std::size_t most) {
        const Json* found = find(name);
        if (!found || !is_list(name, *found, most)) return;
        for (const Json& entry : *found) {
            if (!problem.empty()) return;
            take(name, entry, values.emplace_back());
        }
    }

private:
    void broken(std::string what) {
        if (problem.empty()) problem = std::move(what);
    }
    const Json* find(const char* name) {
        if (!problem.empty()) return nullptr;
        const auto found = object_.find(name);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }
    const Json* required(const char* name) {
        const Json* found = find(name);
        if (!found) broken(std::string(name) + " is missing");
        return found;
    }
    bool is_list(const char* name, const Json& json, std::size_t most) {
        if (!json.is_array())
            broken(std::string(name) + " must be a list");
        else if (json.size() > most)
            broken(std::string(name) + " has more than " + std::to_string(most) + " entries");
        return problem.empty();
    }
    void take_text(const char* name, const Json& json, std::string& value) {
        if (!json.is_string()) return broken(std::string(name) + " must be a text");
        const std::string& found = json.get_ref<const std::string&>();
        if (found.size() > WireLimits::kText) return broken(std::string(name) + " is longer than 512 bytes");
        value = found;
    }
    void take_label(const char* name, const Json& json, std::string& value) {
        if (!json.is_string() || !is_valid_name(json.get_ref<const std::string&>())) {
            return broken(std::string(name) + " must be 1 to 64 of [A-Za-z0-9._~-]");
        }
        value = json.get<std::string>();
    }
    void take(const char* name, const Json& json, bool& value) {
        if (!json.is_boolean()) return broken(std::string(name) + " must be true or false");
        value = json.get<bool>();
    }
    void take(const char* name, const Json& json, std::uint64_t& value) {
        if (!json.is_number_unsigned() || json.get<std::uint64_t>() > Bytes::kLimit) {
            return broken(std::string(name) + " must be a whole number from 0 to 2^63-1");
        }
        value = json.get<std::uint64_t>();
    }
    void take(const char* name, const Json& json, double& value) {
        if (!json.is_number() || !std::isfinite(json.get<double>()))
            return broken(std::string(name) + " must be a finite number");
        value = json.get<double>();
    }
    void take(const char* name, const Json& json, Bytes& value) {
        std::uint64_t count = 0;
        take(name, json, count);
        value = Bytes(count);
    }
    void take(const char* name, const Json& json, HeapTarget& value) { take(name, json, value.footprint); }
    void take(const char* name, const Json& json, GuestTarget& value) { take(name, json, value.left_to_guest); }
    void take(const char* name, const Json& json, Millis& value) {
        constexpr std::uint64_t kTenYears = 10ULL * 365 * 24 * 3600 * 1000;
        std::uint64_t count = 0;
        take(name, json, count);
        if (count > kTenYears) return broken(std::string(name) + " is longer than ten years");
        value = Millis(static_cast<std::int64_t>(count));
    }
    template <WireEnum T>
    void take(const char* name, const Json& json, T& value) {
        if (json.is_string()) {
            if (const auto known = from_wire_name<T>(json.get_ref<const std::string&>())) {
                value = *known;
                return;
            }
        }
        broken(std::string(name) + " is none of the known words");
    }
    void take(const char* name, const Json& json, CostCurve& value) {
        if (!is_list(name, json, CostCurve::kMaxPoints)) return;
        std::vector<CostPoint> points;
        for (const Json& entry : json) {
            if (!entry.is_array() || entry.size() != 2)
                return broken(std::string(name) + " must be a list of [bytes, cost]");
            CostPoint& point = points.emplace_back();
            take(name, entry[0], point.memory);
            take(name, entry[1], point.cost);
        }
        if (!problem.empty()) return;
        auto curve = CostCurve::make(std::move(points));
        if (!curve) return broken(std::string(name) + ": " + curve.error().message);
        value = *std::move(curve);
    }
    template <class T>
    requires requires(JsonReader& r, T& v) { wire_fields::describe(r, v); }
    void take(const char* name, const Json& json, T& value) {
        JsonReader inner(json);
        wire_fields::describe(inner, value);
        if (!inner.problem.empty()) broken(std::string(name) + ": " + inner.problem);
    }

    const Json& object_;
};

}  // namespace aerostat
