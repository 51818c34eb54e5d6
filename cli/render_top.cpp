#include <algorithm>

#include <fmt/format.h>

#include "cli/figures.h"
#include "cli/render.h"
#include "contract/names.h"

namespace aerostat::cli {
namespace {

using Align = Column::Align;

constexpr std::size_t kBarWidth = 30;
constexpr std::size_t kMostRemarks = 5;

std::string work_of(const WorkTexts& work, const std::string& name) {
    const auto found = work.find(name);
    return found == work.end() ? "" : found->second;
}

Style style_of(const JvmView& jvm) {
    if (!jvm.report.distress.empty()) return Style::bad;
    const auto target = target_of(jvm);
    return target && *target < jvm.report.footprint.resident ? Style::warning : Style::plain;
}

std::vector<Cell> guest_row(const GuestView& guest, const WorkTexts& work) {
    const bool calm = guest.state == "connected";
    const Cell layer(calm ? "guest" : "guest, " + printable(guest.state, 20),
                     calm ? Style::plain : style_of_state(guest.state));
    return {Cell(printable(guest.name), Style::bold),
            layer,
            "",
            show(guest.charged),
            "",
            show(guest.target),
            "",
            "",
            work_of(work, guest.name)};
}

std::vector<Cell> jvm_row(const GuestView& guest, const JvmView& jvm, const WorkTexts& work, bool names_guest) {
    const JvmReport& seen = jvm.report;
    return {Cell(names_guest ? printable(guest.name) : "", Style::bold),
            Cell("  " + printable(seen.name)),
            show(seen.live),
            Cell(show(seen.footprint.resident), style_of(jvm)),
            Cell(show_bar(jvm, kBarWidth), Style::dim),
            show(target_of(jvm)),
            show_price(jvm.price),
            show_cpu(seen.gc_cpu),
            work_of(work, guest.name + "/" + seen.name)};
}

std::vector<Cell> os_row(const GuestView& guest) {
    const Bytes balloon = guest.os_balloon.value_or(Bytes());
    return {Cell(""),
            Cell("  guest OS"),
            "",
            show(saturating_sub(*guest.ram, balloon)),
            "",
            "",
            "",
            "",
            balloon.is_zero() ? std::string() : "balloon " + show(balloon) + " of " + show(*guest.ram)};
}

// What needs attention, the gravest first.
std::vector<std::string> remarks_on(const StatusView& status) {
    std::vector<std::string> remarks;
    for (const GuestView& guest : status.guests) {
        for (const JvmView& jvm : guest.jvms) {
            if (jvm.report.distress.empty()) continue;
            remarks.push_back(fmt::format("{}/{}: distress: {}", printable(guest.name), printable(jvm.report.name),
                                          printable(jvm.report.distress)));
        }
    }
    if (status.short_by) remarks.push_back("short of memory by " + show(*status.short_by));
    for (const std::string& warning : status.warnings) remarks.push_back("warning: " + printable(warning));
    return remarks;
}

// The first lines of the text that fit, and how many do not.
std::string cut_to(const std::string& text, std::size_t lines) {
    const auto count = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    if (lines == 0 || count <= lines) return text;
    std::size_t end = 0;
    for (std::size_t i = 0; i + 1 < lines; ++i) end = text.find('\n', end) + 1;
    return text.substr(0, end) + fmt::format("… {} more lines\n", count - lines + 1);
}

}  // namespace

std::string render_top(const StatusView& status, const WorkTexts& work, const Look& look) {
    Table table({{"GUEST"},
                 {"LAYER"},
                 {"LIVE", Align::right, 1},
                 {"FOOTPRINT", Align::right},
                 {"0 # LIVE = RESIDENT | TARGET", Align::left, 5},
                 {"TARGET", Align::right},
                 {"PRICE/GiB", Align::right, 4},
                 {"GC CPU", Align::right, 3},
                 {"WORK", Align::left, 2}});
    for (const GuestView& guest : status.guests) {
        // On a guest's own daemon the guest has no measured size; its line would only repeat its name.
        const bool guest_line = guest.jvms.empty() || !guest.charged.is_zero() || guest.target;
        if (guest_line) table.add(guest_row(guest, work));
        if (guest_line && guest.ram) table.add(os_row(guest));
        for (const JvmView& jvm : guest.jvms)
            table.add(jvm_row(guest, jvm, work, !guest_line && &jvm == &guest.jvms.front()));
    }
    const auto remarks = remarks_on(status);
    std::string below;
    for (std::size_t i = 0; i < std::min(remarks.size(), kMostRemarks); ++i) {
        below += styled(look.width == 0 ? remarks[i] : fit(remarks[i], look.width), Style::warning, look) + "\n";
    }
    const Look plain{false, look.width, look.height};
    const std::string head = look.width == 0 ? head_line(status, look) : fit(head_line(status, plain), look.width);
    const auto below_lines = std::min(remarks.size(), kMostRemarks);
    const std::size_t room =
        look.height == 0 ? 0 : std::max<std::size_t>(3, look.height - std::min(look.height, below_lines + 2));
    const std::string body = table.empty() ? "no guests\n" : cut_to(table.render(look), room);
    return head + "\n\n" + body + below;
}

}  // namespace aerostat::cli
