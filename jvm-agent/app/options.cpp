#include "jvm-agent/app/options.h"

#include <charconv>
#include <functional>

#include "contract/names.h"

namespace aerostat::agent {
namespace {

/// A unix socket's path has 107 bytes; "/agent.sock" takes eleven of them.
constexpr std::size_t kLongestDir = 96;
constexpr int kMostFullGcs = 1000;

Status set_runtime_dir(Options& options, std::string_view value) {
    if (value.empty() || value.front() != '/') return fail(ErrorCode::bad_value, "must be an absolute path");
    if (value.size() > kLongestDir) return fail(ErrorCode::bad_value, "is longer than 96 bytes: too long for a unix socket");
    if (value.find('\0') != value.npos) return fail(ErrorCode::bad_value, "has a zero byte in it");
    options.runtime_dir = value;
    return {};
}

Status set_name(Options& options, std::string_view value) {
    auto name = parse_name(value);
    if (!name) return tl::unexpected(name.error());
    options.name = std::move(*name);
    return {};
}

Status set_cpu_budget(Options& options, std::string_view value) {
    double percent = 0;
    const bool has_unit = value.ends_with('%');
    const char* const end = value.data() + value.size() - (has_unit ? 1 : 0);
    const auto [stopped, error] = std::from_chars(value.data(), end, percent, std::chars_format::fixed);
    if (!has_unit || error != std::errc{} || stopped != end || !(percent >= 0.1 && percent <= 100))
        return fail(ErrorCode::bad_value, "must be a percentage of one core from 0.1% to 100%, such as 5%");
    options.cpu_budget = percent / 100;
    return {};
}

Status set_cap(Options& options, std::string_view value) {
    for (const Cap cap : {Cap::elastic, Cap::firm, Cap::hard}) {
        if (value != to_string(cap)) continue;
        options.firmest = cap;
        return {};
    }
    return fail(ErrorCode::bad_value, "must be elastic, firm or hard");
}

Status set_full_gcs(Options& options, std::string_view value) {
    int count = -1;
    const char* const end = value.data() + value.size();
    const auto [stopped, error] = std::from_chars(value.data(), end, count);
    if (error != std::errc{} || stopped != end || count < 0 || count > kMostFullGcs)
        return fail(ErrorCode::bad_value, "must be a number from 0 to " + std::to_string(kMostFullGcs));
    options.full_gcs = count;
    return {};
}

Status set_refill_reserve(Options& options, std::string_view value) {
    const auto size = parse_bytes(value);
    if (!size) return fail(ErrorCode::bad_value, "must be a size with its unit, such as 512MiB");
    options.refill_reserve = *size;
    return {};
}

Status set_g1_hold(Options& options, std::string_view value) {
    if (value != "chunks" && value != "calm" && value != "size")
        return fail(ErrorCode::bad_value, "must be chunks, calm or size");
    options.g1_hold = value == "chunks" ? G1Hold::chunks : value == "calm" ? G1Hold::calm : G1Hold::size;
    return {};
}

Status set_mxbean(Options& options, std::string_view value) {
    if (value != "auto" && value != "on" && value != "off") return fail(ErrorCode::bad_value, "must be auto, on or off");
    options.mxbean = value == "auto" ? MxBean::automatic : value == "on" ? MxBean::on : MxBean::off;
    return {};
}

Status set_either(bool& flag, std::string_view value, std::string_view yes, std::string_view no) {
    if (value != yes && value != no)
        return fail(ErrorCode::bad_value, "must be " + std::string(yes) + " or " + std::string(no));
    flag = value == yes;
    return {};
}

Status set_one(Options& options, std::string_view key, std::string_view value) {
    if (key == "runtime-dir") return set_runtime_dir(options, value);
    if (key == "name") return set_name(options, value);
    if (key == "cpu-budget") return set_cpu_budget(options, value);
    if (key == "cap") return set_cap(options, value);
    if (key == "full-gcs") return set_full_gcs(options, value);
    if (key == "refill-reserve") return set_refill_reserve(options, value);
    if (key == "g1-hold") return set_g1_hold(options, value);
    if (key == "log") return set_either(options.verbose, value, "verbose", "quiet");
    if (key == "mxbean") return set_mxbean(options, value);
    if (key == "jfr") return set_either(options.flight_events, value, "auto", "off");
    if (key == "trim-native") return set_either(options.trim_native, value, "on", "off");
    if (key == "stress-passes") return set_either(options.stress_passes, value, "on", "off");
    return fail(ErrorCode::bad_value, "is not an option (help lists them)");
}

}  // namespace

Result<Options> parse_options(std::string_view text) {
    Options options;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const std::string_view item = text.substr(0, comma);
        text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
        const auto equals = item.find('=');
        const std::string_view key = item.substr(0, equals);
        if (item == "help") {
            options.help = true;
            continue;
        }
        if (equals == item.npos) return fail(ErrorCode::bad_value, "'" + printable(item) + "' is not KEY=VALUE");
        if (auto set = set_one(options, key, item.substr(equals + 1)); !set)
            return fail(ErrorCode::bad_value, printable(key) + " " + set.error().message);
    }
    return options;
}

std::string_view options_help() {
    return "options of libaerostat-jvm.so, KEY=VALUE separated by commas:\n"
           "  runtime-dir=DIR             where aerostat-guestd listens (default /run/aerostat)\n"
           "  name=NAME                   what this JVM is called (default jvm-PID)\n"
           "  cpu-budget=5%               share of one core for work that nobody waits for\n"
           "  cap=elastic|firm|hard       orders may not hold the heap more firmly than this (default hard)\n"
           "  full-gcs=N                  Serial, Parallel: full collections the agent may ask for within ten minutes\n"
           "                              (default 0: none); Shenandoah with generations or Xms=Xmx: concurrent ones, "
           "which\n"
           "                              clear soft references\n"
           "  refill-reserve=SIZE         Serial, Parallel: hold a balloon, of SIZE at most, for which this guest keeps as\n"
           "                              much memory free: a full collection brings it back (default 0B: no balloon)\n"
           "  g1-hold=chunks|calm|size    G1: held by the balloon alone; by its own size while the program is calm "
           "(default); by\n"
           "                              its size also under load, for which GCTimeRatio is changed meanwhile\n"
           "  log=quiet|verbose           on stderr: trouble only (default), or each operation too\n"
           "  mxbean=auto|on|off          org.aerostat:type=HeapBalloon: after the first order (default), from the start, "
           "never\n"
           "  jfr=auto|off                events in flight recordings, while there is one (default), or never\n"
           "  trim-native=on|off          free native memory goes back beside a shrink, too (malloc_trim; default on)\n"
           "  stress-passes=on|off        for tests of the agent only\n"
           "  help                        this list; the JVM runs without the agent\n";
}

}  // namespace aerostat::agent
