#pragma once

#include <memory>
#include <string>

#include "guest-balloon/decide/condition.h"

namespace aerostat::guest {

/// The page that applications map: `DIR/condition`. The file stays when the daemon ends, as those who have it mapped look
/// for its successor there. Only one may be open for a path: the owner of control.sock. Thread: the loop's.
class ConditionPageFile {
public:
    /// Finds or makes the file; its pages are allocated, so that no reader and no later write can fail. Fails: `io` (no
    /// rights, no space; the message says what to do), `bad_value` (in the way is something that is no page).
    [[nodiscard]] static Result<std::unique_ptr<ConditionPageFile>> open(const std::string& path);
    ~ConditionPageFile();
    ConditionPageFile(const ConditionPageFile&) = delete;
    ConditionPageFile& operator=(const ConditionPageFile&) = delete;

    /// Publishes, and wakes those whom it concerns. Allocates nothing, blocks on nothing and cannot fail.
    void publish(const ConditionState& state, ConditionNews news) noexcept;
    /// The daemon ends in good order: the last state again, without a daemon behind it.
    void say_goodbye(TimePoint now) noexcept;

private:
    explicit ConditionPageFile(ConditionPage& page) : page_(page) {}
    ConditionPage& page_;
    ConditionState last_{};
    bool has_last_ = false;
};

}  // namespace aerostat::guest
