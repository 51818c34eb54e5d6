#include "host-controller/app/history_command.h"

#include <algorithm>
#include <ctime>
#include <functional>

#include "contract/names.h"
#include "host-controller/app/history_files.h"
#include "host-controller/app/history_views.h"
#include "host-controller/decide/policies.h"

namespace aerostat::host::app {
namespace {

using Wall = std::chrono::system_clock::time_point;

// Calls back with each record and its line; what cannot be read is counted.
Result<std::size_t> each_record(const HistoryQuery& query,
                                const std::function<void(const DecisionRecord&, std::string_view)>& record) {
    std::optional<Wall> oldest;
    if (!query.since.empty()) {
        const auto age = parse_duration(query.since);
        if (!age) return while_doing("--since", age.error());
        oldest = std::chrono::system_clock::now() - std::chrono::duration_cast<Wall::duration>(*age);
    }
    std::size_t unreadable = 0;
    const Status read = read_history(query.directory, [&](std::string_view line) {
        const auto decoded = decode_record(line);
        if (!decoded)
            ++unreadable;
        else if (!oldest || decoded->wall >= *oldest)
            record(*decoded, line);
        return true;
    });
    if (!read) return tl::unexpected(read.error());
    return unreadable;
}

std::string note_of(std::size_t unreadable) {
    return unreadable == 0 ? "" : std::to_string(unreadable) + " lines could not be read and were left out\n";
}

// A moment in one of the forms that explain takes; absent: it is none.
std::optional<Wall> moment_of(const std::string& text) {
    const Wall now = std::chrono::system_clock::now();
    if (const auto ago = parse_duration(text)) return now - std::chrono::duration_cast<Wall::duration>(*ago);
    const std::time_t today = std::chrono::system_clock::to_time_t(now);
    for (const char* form : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%H:%M:%S"}) {
        std::tm local{};
        ::localtime_r(&today, &local);
        const char* const end = ::strptime(text.c_str(), form, &local);
        if (!end || *end != '\0') continue;
        local.tm_isdst = -1;
        // The whole second counts.
        return std::chrono::system_clock::from_time_t(std::mktime(&local)) + std::chrono::milliseconds(999);
    }
    return std::nullopt;
}

bool orders(const DecisionRecord& record, const std::string& guest) {
    return std::any_of(record.plan.layers.begin(), record.plan.layers.end(), [&](const LayerPlan& row) {
        return row.ordered && (guest.empty() || row.guest_name == guest || row.guest_name + "/" + row.layer == guest);
    });
}

}  // namespace

Result<std::string> show_history(const HistoryQuery& query) {
    std::string text;
    const auto unreadable = each_record(query, [&](const DecisionRecord& record, std::string_view line) {
        text += query.json ? std::string(line) + "\n" : history_line(record);
    });
    if (!unreadable) return tl::unexpected(unreadable.error());
    return query.json ? text : text + note_of(*unreadable);
}

Result<std::string> explain(const HistoryQuery& query) {
    const auto moment = query.what.empty() ? std::nullopt : moment_of(query.what);
    const std::string guest = moment ? std::string() : query.what;
    std::optional<DecisionRecord> found;
    std::string found_line;
    const auto unreadable = each_record(query, [&](const DecisionRecord& record, std::string_view line) {
        if (moment ? record.wall > *moment : !orders(record, guest)) return;
        found = record;
        found_line = line;
    });
    if (!unreadable) return tl::unexpected(unreadable.error());
    if (!found) {
        return fail(ErrorCode::not_found, moment          ? "no decision is kept from before that time"
                                          : guest.empty() ? "no decision with orders is kept"
                                                          : "no decision is kept that orders " + printable(guest, 140) +
                                                                " about, and it is no time either (14:05:09, 10m)");
    }
    return query.json ? found_line + "\n" : explain_record(*found);
}

Result<std::string> replay(const HistoryQuery& query) {
    const SharePolicy* policy = query.policy.empty() ? nullptr : policy_named(query.policy);
    if (!query.policy.empty() && !policy) {
        std::string known;
        for (const std::string& name : policy_names()) known += (known.empty() ? "" : ", ") + name;
        return fail(ErrorCode::bad_value, "no policy \"" + printable(query.policy, 40) + "\"; there are " + known);
    }
    Replay again(policy);
    const auto unreadable = each_record(query, [&](const DecisionRecord& record, std::string_view) { again.add(record); });
    if (!unreadable) return tl::unexpected(unreadable.error());
    if (again.decisions() == 0) return fail(ErrorCode::not_found, "no decision is kept from that time");
    return query.json ? again.as_json() + "\n" : again.render() + note_of(*unreadable);
}

}  // namespace aerostat::host::app
