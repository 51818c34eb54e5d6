#include <algorithm>

#include <fmt/format.h>

#include "cli/figures.h"
#include "cli/render.h"
#include "contract/names.h"

namespace aerostat::cli {
namespace {

using Align = Column::Align;

std::string warnings_of(const StatusView& status, const Look& look) {
    std::string out;
    for (const std::string& warning : status.warnings)
        out += styled("warning: " + printable(warning, 400), Style::warning, look) + "\n";
    if (status.short_by) {
        out += styled(fmt::format("short of memory: floors and minimums exceed the budget by {}", show(*status.short_by)),
                      Style::bad, look) +
               "\n";
    }
    if (status.malformed_lines > 0 || status.peers_cut_off > 0) {
        out += fmt::format("peers: {} malformed lines, {} cut off\n", status.malformed_lines, status.peers_cut_off);
    }
    return out;
}

Table guests_table(const StatusView& status) {
    Table table({{"GUEST"},
                 {"STATE"},
                 {"JVMS", Align::right, 2},
                 {"CHARGED", Align::right},
                 {"TARGET", Align::right},
                 {"MIN", Align::right, 1},
                 {"MAX", Align::right, 1},
                 {"OUTSIDE HEAPS", Align::right, 3},
                 {"AVAILABLE", Align::right, 4},
                 {"OS BALLOON", Align::right, 4},
                 {"WEIGHT", Align::right, 5},
                 {"IDENTITY", Align::left, 6}});
    for (const GuestView& guest : status.guests) {
        table.add({printable(guest.name), Cell(printable(guest.state), style_of_state(guest.state)),
                   std::to_string(guest.jvms.size()), show(guest.charged), show(guest.target), show(guest.min),
                   show(guest.max), show(guest.fixed), show(guest.memory_available), show(guest.os_balloon),
                   fmt::format("{:g}", guest.weight), printable(guest.identity)});
    }
    return table;
}

// What the guest OS layers could give, at which price: half of what is cache is where it begins to hurt.
std::string os_lines(const StatusView& status) {
    std::string out;
    for (const GuestView& guest : status.guests) {
        if (!guest.os) continue;
        const OsReport& os = *guest.os;
        const Bytes takeable = saturating_sub(os.size, os.floor);
        const Bytes cache = saturating_sub(takeable, os.spare);
        const Bytes half = std::max(os.floor + cache / 2, os.curve.floor() + Bytes(1));
        out += fmt::format("OS layer of {}: {} to spare, {} of page cache ({} a GiB half-way, {}), {} taken, moved by: {}\n",
                           printable(guest.name), show(os.spare), show(cache),
                           show_price(os.curve.price_of_taking(half) * static_cast<double>(1ULL << 30U)),
                           os.learned ? "measured" : "assumed", show(os.taken), printable(os.driver, 20));
    }
    return out.empty() ? out : "\n" + out;
}

std::string notes_of(const StatusView& status, const Look& look) {
    std::string out;
    for (const GuestView& guest : status.guests) {
        for (const std::string& note : guest.notes)
            out += styled(printable(guest.name) + ": " + printable(note, 400), Style::warning, look) + "\n";
    }
    return out.empty() ? out : "\n" + out;
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : " ") + printable(word, 60);
    return out;
}

// What an operator should know of this JVM beyond its figures.
std::string remark_on(const JvmView& jvm) {
    if (!jvm.report.distress.empty()) return "distress: " + printable(jvm.report.distress);
    if (!jvm.report.facts.can_balloon) {
        return "no balloon: " + (jvm.report.facts.why_not.empty() ? "no reason given" : printable(jvm.report.facts.why_not));
    }
    if (!jvm.report.facts.can_hold) return "levers only: " + printable(jvm.report.facts.why_not);
    if (!jvm.report.running_op.empty()) return "operation " + printable(jvm.report.running_op) + " runs";
    const std::string levers = joined(jvm.report.levers);
    if (jvm.report.held.empty()) return levers;
    return "held " + printable(jvm.report.held) + (levers.empty() ? "" : "; " + levers);
}

std::vector<Cell> jvm_row(const GuestView& guest, const JvmView& jvm) {
    const JvmReport& seen = jvm.report;
    const Style style = seen.distress.empty() ? Style::plain : Style::bad;
    return {printable(guest.name),
            Cell(printable(seen.name), style),
            printable(seen.facts.collector, 20),
            printable(seen.facts.java_version, 20),
            show(seen.footprint.resident),
            show(seen.live),
            show(seen.floor),
            show(target_of(jvm)),
            show(seen.balloon.granted),
            show(seen.used),
            show(seen.committed),
            show(seen.facts.max_heap),
            show(seen.non_heap),
            show(jvm.pss),
            show_cpu(seen.gc_cpu),
            show_millis(seen.pause_p99),
            show_count(seen.full_gcs),
            show_price(jvm.price),
            Cell(remark_on(jvm), style)};
}

}  // namespace

Style style_of_state(const std::string& state) {
    if (state == "connected") return Style::good;
    if (state == "stuck" || state == "gone") return Style::bad;
    return state == "observed" ? Style::dim : Style::warning;
}

std::string head_line(const StatusView& status, const Look& look) {
    std::string line =
        styled(fmt::format("{} {}", printable(status.daemon, 20), printable(status.name, 70)), Style::bold, look);
    if (!status.mode.empty()) line += ", mode " + printable(status.mode, 20);
    if (!status.policy.empty()) line += ", policy " + printable(status.policy, 40);
    if (!status.superior.empty()) line += ", host " + printable(status.superior, 20);
    if (status.paused) line += ", " + styled("paused", Style::warning, look);
    if (status.memory) line += ", memory " + show(*status.memory);
    if (status.charged) line += ", charged " + show(*status.charged);
    if (status.reserved) line += ", reserved for starts " + show(*status.reserved);
    if (status.lost) line += ", lost to bad memory " + show(*status.lost);
    if (status.emergency_reserve) line += ", reserve " + show(*status.emergency_reserve);
    if (status.price) line += fmt::format(", price {} a GiB", show_price(*status.price));
    return line;
}

std::string render_status(const StatusView& status, const Look& look) {
    std::string out = head_line(status, look) + fmt::format(", version {}\n", printable(status.software, 20));
    out += warnings_of(status, look);
    if (status.guests.empty()) return out + "no guests\n";
    return out + "\n" + guests_table(status).render(look) + os_lines(status) + notes_of(status, look);
}

std::string render_jvms(const StatusView& status, const Look& look) {
    Table table({{"GUEST"},
                 {"JVM"},
                 {"COLLECTOR", Align::left, 3},
                 {"JAVA", Align::left, 9},
                 {"FOOTPRINT", Align::right},
                 {"LIVE", Align::right},
                 {"FLOOR", Align::right, 2},
                 {"TARGET", Align::right},
                 {"BALLOON", Align::right, 1},
                 {"USED", Align::right, 5},
                 {"COMMITTED", Align::right, 6},
                 {"MAX", Align::right, 4},
                 {"NON-HEAP", Align::right, 7},
                 {"PSS", Align::right, 8},
                 {"GC CPU", Align::right, 2},
                 {"PAUSE P99", Align::right, 5},
                 {"FULL GCS", Align::right, 4},
                 {"PRICE", Align::right, 6},
                 {"REMARK", Align::left, 10}});
    for (const GuestView& guest : status.guests) {
        for (const JvmView& jvm : guest.jvms) table.add(jvm_row(guest, jvm));
    }
    if (table.empty()) return "no JVMs\n";
    return table.render(look);
}

}  // namespace aerostat::cli
