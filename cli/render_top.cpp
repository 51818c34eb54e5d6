#include "cli/render_top.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/figures.h"
#include "contract/names.h"

namespace aerostat::cli {
namespace {

using Align = Column::Align;

constexpr std::size_t kBarWidth = 30;
constexpr std::size_t kMostRemarks = 5;
constexpr std::size_t kFigure = 9;  // as wide as FOOTPRINT, "1023 MiB": columns do not move with every digit

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

// What the guest holds outside its heaps where the host shares that out; else what the OS balloon leaves a virtual machine.
std::vector<Cell> os_row(const GuestView& guest) {
    const Bytes balloon = guest.os_balloon.value_or(Bytes());
    const std::string remark =
        balloon.is_zero() || !guest.ram ? std::string() : "balloon " + show(balloon) + " of " + show(*guest.ram);
    if (guest.os_layer) {
        const OsView& os = *guest.os_layer;
        return {Cell(""), Cell("  guest OS"), "", show(os.footprint), "", show(os.target), show_price(os.price), "", remark};
    }
    return {Cell(""), Cell("  guest OS"), "", show(saturating_sub(*guest.ram, balloon)), "", "", "", "", remark};
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

// "squeeze orders/shop: 512 MiB of 1.00 GiB, running for 1.2 s of 5 s".
std::string operation_line(const OperationView& operation) {
    const std::string subject = printable(operation.command, 20) + " " + printable(operation.target, 140);
    const std::string amount = fmt::format("{} of {}", show(operation.obtained), show(operation.asked));
    if (operation.running) {
        return fmt::format("{}: {}, running for {} of {}", subject, amount, format_duration(operation.elapsed),
                           format_duration(operation.deadline));
    }
    return fmt::format("{}: {}, {} after {}, {} ago", subject, amount, to_string(operation.reason),
                       format_duration(operation.elapsed), format_duration(operation.started_ago - operation.elapsed));
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

TopTable top_table(const StatusView& status, const WorkTexts& work) {
    TopTable top{Table({{"GUEST"},
                        {"LAYER"},
                        {"LIVE", Align::right, 1, kFigure},
                        {"FOOTPRINT", Align::right, 0, kFigure},
                        {"0 # LIVE = RESIDENT | TARGET", Align::left, 5},
                        {"TARGET", Align::right, 0, kFigure},
                        {"PRICE/GiB", Align::right, 4, 10},
                        {"GC CPU", Align::right, 3, 7},
                        {"WORK", Align::left, 2}}),
                 {}};
    const auto add = [&](std::vector<Cell> row, std::string about) {
        top.table.add(std::move(row));
        top.lines.push_back(std::move(about));
    };
    for (const GuestView& guest : status.guests) {
        // On a guest's own daemon the guest has no measured size; its line would only repeat its name.
        const bool guest_line = guest.jvms.empty() || !guest.charged.is_zero() || guest.target;
        if (guest_line) add(guest_row(guest, work), guest.name);
        if (guest_line && (guest.ram || guest.os_layer)) add(os_row(guest), guest.name + "/");
        for (const JvmView& jvm : guest.jvms) {
            add(jvm_row(guest, jvm, work, !guest_line && &jvm == &guest.jvms.front()), guest.name + "/" + jvm.report.name);
        }
    }
    return top;
}

std::vector<std::string> top_remarks(const StatusView& status, const Look& look) {
    std::vector<std::string> remarks = remarks_on(status);
    if (remarks.size() > kMostRemarks) {
        const std::size_t more = remarks.size() - kMostRemarks + 1;
        remarks.resize(kMostRemarks - 1);
        remarks.push_back(fmt::format("and {} more: aerostatctl status", more));
    }
    for (std::string& remark : remarks)
        remark = styled(look.width == 0 ? remark : fit(remark, look.width), Style::warning, look);
    return remarks;
}

std::vector<std::string> top_operations(const OperationsView& operations, std::size_t most, const Look& look) {
    std::vector<const OperationView*> chosen;
    for (const OperationView& one : operations.operations) chosen.push_back(&one);
    std::stable_partition(chosen.begin(), chosen.end(), [](const OperationView* one) { return one->running; });
    chosen.resize(std::min(chosen.size(), most));
    std::vector<std::string> lines;
    for (const OperationView* one : chosen) {
        const std::string line = operation_line(*one);
        const Style style = one->running ? Style::good : one->reason == EndReason::met ? Style::dim : Style::warning;
        lines.push_back(styled(look.width == 0 ? line : fit(line, look.width), style, look));
    }
    return lines;
}

std::string render_top(const StatusView& status, const WorkTexts& work, const Look& look) {
    const TopTable top = top_table(status, work);
    const auto remarks = top_remarks(status, look);
    std::string below;
    for (const std::string& remark : remarks) below += remark + "\n";
    const Look plain{false, look.width, look.height};
    const std::string head = look.width == 0 ? head_line(status, look) : fit(head_line(status, plain), look.width);
    const std::size_t room =
        look.height == 0 ? 0 : std::max<std::size_t>(3, look.height - std::min(look.height, remarks.size() + 2));
    const std::string body = top.table.empty() ? "no guests\n" : cut_to(top.table.render(look), room);
    return head + "\n\n" + body + below;
}

}  // namespace aerostat::cli
