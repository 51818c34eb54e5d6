#include "host-controller/virt/domain_event.h"

#include <asio/post.hpp>

namespace aerostat::host::virt {

void EventSink::post(DomainEvent event) {
    const std::lock_guard lock(mutex_);
    if (!loop_) return;
    if (waiting_ >= kMostWaiting) {
        ++dropped_;
        return;
    }
    ++waiting_;
    asio::post(*loop_, [self = shared_from_this(), event = std::move(event)] { self->deliver(event); });
}

void EventSink::deliver(const DomainEvent& event) {
    {
        const std::lock_guard lock(mutex_);
        --waiting_;
        if (!loop_) return;
    }
    on_event_(event);
}

void EventSink::close() {
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
}

std::size_t EventSink::dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
}

}  // namespace aerostat::host::virt
