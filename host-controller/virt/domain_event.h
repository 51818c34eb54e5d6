#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <asio/io_context.hpp>

#include "contract/units.h"

namespace aerostat::host::virt {

/// What libvirt says of a domain without being asked.
struct DomainEvent {
    enum class Kind {
        started,
        stopped,
        suspended,
        resumed,
        rebooted,
        crashed,          ///< its kernel has panicked; QEMU may go on holding its memory
        balloon_changed,  ///< `actual`
        memory_failed,    ///< an uncorrectable error in memory; `detail` says whose and what was done
        moving,           ///< its memory is being copied: a migration, or a save
        job_ended,
        hardware_changed,  ///< a device came or went, or memory was plugged
        agent_changed,     ///< somebody opened or closed a channel in the guest; `detail`
    };
    Kind kind = Kind::started;
    std::string uuid;
    Bytes actual{};
    std::string detail{};
};

/// Where events are handed to: they come on libvirt's thread and are posted to the loop, in order.
/// Bounded: events beyond those the loop has not got round to are dropped, and counted; the next listing shows what
/// they would have told.
/// Thread: post() any; the rest the io_context's.
class EventSink : public std::enable_shared_from_this<EventSink> {
public:
    static constexpr std::size_t kMostWaiting = 1024;
    using OnEvent = std::function<void(const DomainEvent&)>;
    EventSink(asio::io_context& loop, OnEvent on_event) : loop_(&loop), on_event_(std::move(on_event)) {}
    void post(DomainEvent event);
    /// No event is handed on after this.
    void close();
    [[nodiscard]] std::size_t dropped() const;

private:
    void deliver(const DomainEvent& event);

    mutable std::mutex mutex_;
    asio::io_context* loop_;  ///< null: closed
    OnEvent on_event_;
    std::size_t waiting_ = 0;
    std::size_t dropped_ = 0;
};

}  // namespace aerostat::host::virt
