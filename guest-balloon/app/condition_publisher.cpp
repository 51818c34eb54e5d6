#include "guest-balloon/app/condition_publisher.h"

#include <charconv>

#include "contract/names.h"
#include "contract/wire_names.h"

namespace aerostat::guest {
namespace {

constexpr Duration kStaleAfter = std::chrono::seconds(5);     // written once a second
constexpr Duration kDistressLasts = std::chrono::seconds(2);  // then the figures speak for themselves

// 63 random bits: what the wire's numbers hold.
std::uint64_t fresh_session() {
    const std::string digits = fresh_id();
    std::uint64_t bits = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16);
    return bits >> 1U;
}

Bytes ballooned(const JvmBook& jvms) {
    Bytes sum;
    for (const Jvm* jvm : jvms.connected()) {
        if (jvm->report) sum += jvm->report->balloon.granted;
    }
    return sum;
}

}  // namespace

ConditionPublisher::ConditionPublisher(std::string path, OnNews on_news)
    : path_(std::move(path)), on_news_(std::move(on_news)), session_(fresh_session()) {}

void ConditionPublisher::find_page() {
    if (page_) return;
    auto page = ConditionPageFile::open(path_);
    problem_ = page ? std::string() : "applications are not told the memory condition: " + page.error().message;
    if (!page) return;
    page_ = *std::move(page);
    published_ = false;
}

ConditionFacts ConditionPublisher::facts_of(const GuestState& guest, TimePoint now) const {
    const GuestMemory& memory = guest.memory();
    ConditionFacts facts;
    if (!memory.total.is_zero()) {  // zero: /proc/meminfo could not be read
        facts.total = memory.total;
        facts.available = memory.available;
    }
    if (os_) {
        facts.cache_in_use = os_->available_in_use();
        facts.guest_ballooned = guest.os() ? guest.os()->taken : os_->balloon;
    }
    facts.psi_some_avg10 = memory.psi_some_avg10;
    facts.psi_full_avg10 = memory.psi_full_avg10;
    facts.in_distress = distress_at_ && now - *distress_at_ < kDistressLasts;
    facts.java_ballooned = ballooned(guest.jvms());
    facts.has_host = guest.superior(now) == Superior::connected;
    if (!facts.has_host) return facts;
    facts.host = host_;
    facts.guest_target = guest_target_;
    facts.about_to_be_taken = about_to_be_taken_;
    return facts;
}

void ConditionPublisher::refresh(const GuestState& guest, TimePoint now) {
    find_page();
    condition_ = decide_condition(facts_of(guest, now), memory_, now);
    const ConditionState fresh = condition_record(condition_, session_, kStaleAfter, now);
    const ConditionNews news = published_ ? condition_news(state_, fresh) : ConditionNews::level;
    // Small steps add up to news: what counts is the difference to what was last called so.
    if (page_) page_->publish(fresh, news);
    if (news != ConditionNews::nothing) state_ = fresh;
    published_ = true;
    if (news != ConditionNews::nothing && on_news_) on_news_(fresh, news);
}

void ConditionPublisher::host_says(const HostCondition& word) {
    host_.level = from_wire_name<ConditionLevel>(word.level);
    host_.price = word.price;
    guest_target_ = word.guest_target;
    about_to_be_taken_ = word.takes.value_or(Bytes());
}

void ConditionPublisher::new_session() { session_ = fresh_session(); }

void ConditionPublisher::say_goodbye(TimePoint now) {
    if (page_) page_->say_goodbye(now);
}

}  // namespace aerostat::guest
