#pragma once

#include <optional>

#include "guest-balloon/decide/jvm_book.h"

namespace aerostat::guest {

/// Whose PSS is measured next, so that all JVMs are looked at regularly and measuring stays cheap: each at most every 5 s,
/// and in all no more than 2 % of one core (a reading walks page tables: some 20 ms for 4 GiB). Thread: the loop's.
class PssRota {
public:
    /// The JVM that has waited longest and is due; nullptr if none is, or the budget is used up.
    [[nodiscard]] const Jvm* next(const JvmBook& jvms, TimePoint now) const;
    void measured(Duration cost, TimePoint now);

private:
    TimePoint not_before_;
};

}  // namespace aerostat::guest
