#include <fmt/format.h>

#include "cli/figures.h"
#include "cli/render.h"
#include "contract/names.h"

namespace aerostat::cli {

std::string render_plan(const PlanView& plan, const Look& look) {
    std::string out = show(plan.capacity) + " to share out";
    if (!plan.policy.empty()) out += " by policy " + printable(plan.policy, 40);
    out += fmt::format(", price of memory {} a GiB\n", show_price(plan.price));
    if (plan.ready) out += "of it " + show(*plan.ready) + " kept ready for heaps that grow faster than others give\n";
    if (plan.short_by) {
        out += styled(fmt::format("short of memory: floors and minimums exceed it by {}", show(*plan.short_by)), Style::bad,
                      look) +
               "\n";
    }
    Table table({{"GUEST"},
                 {"LAYER"},
                 {"NOW", Column::Align::right},
                 {"TARGET", Column::Align::right},
                 {"CHANGE", Column::Align::right, 1},
                 {"PRICE", Column::Align::right, 3},
                 {"WHY", Column::Align::left, 2}});
    for (const PlanRow& row : plan.rows) {
        const Style style = row.target < row.now ? Style::warning : row.target > row.now ? Style::good : Style::plain;
        table.add({printable(row.guest), printable(row.layer), show(row.now), show(row.target),
                   Cell(format_delta(difference(row.target, row.now)), style), show_price(row.price), printable(row.why)});
    }
    if (table.empty()) return out + "nothing to move\n";
    return out + "\n" + table.render(look);
}

}  // namespace aerostat::cli
