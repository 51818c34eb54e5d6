#pragma once

#include <functional>
#include <memory>
#include <string>

#include "guest-balloon/act/condition_page.h"
#include "guest-balloon/decide/condition.h"
#include "guest-balloon/decide/guest_state.h"
#include "guest-balloon/decide/os_sight.h"

namespace aerostat::guest {

/// Brings together what is known, has it decided, and tells applications by the page. A page that cannot be written is
/// tried again every second; what is degraded until then has a name. Thread: the loop's.
class ConditionPublisher {
public:
    using OnNews = std::function<void(const ConditionState& state, ConditionNews news)>;

    ConditionPublisher(std::string path, OnNews on_news);

    /// Looks again and publishes: once a second, and when something has happened.
    void refresh(const GuestState& guest, TimePoint now);
    void os_seen(const OsSight& seen) { os_ = seen; }
    void host_says(const HostCondition& word);
    /// A JVM has called for memory, or the kernel says that somebody stalls.
    void distress(TimePoint now) { distress_at_ = now; }
    /// After a migration or a resume: readers drop what they have cached.
    void new_session();
    void say_goodbye(TimePoint now);

    [[nodiscard]] const Condition& condition() const { return condition_; }
    [[nodiscard]] const ConditionState& state() const { return state_; }
    /// Why the page is not there; empty if it is.
    [[nodiscard]] const std::string& problem() const { return problem_; }

private:
    [[nodiscard]] ConditionFacts facts_of(const GuestState& guest, TimePoint now) const;
    void find_page();

    std::string path_;
    OnNews on_news_;
    std::unique_ptr<ConditionPageFile> page_;
    std::string problem_;
    std::optional<OsSight> os_;
    HostWord host_;
    std::optional<Bytes> guest_target_;
    Bytes about_to_be_taken_;
    std::optional<TimePoint> distress_at_;
    ConditionMemory memory_;
    Condition condition_;
    ConditionState state_{};
    std::uint64_t session_;
    bool published_ = false;
};

}  // namespace aerostat::guest
