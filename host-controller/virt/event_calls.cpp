#include "host-controller/virt/event_calls.h"

#include <array>
#include <chrono>
#include <thread>

#include "daemon/quiet_thread.h"

namespace aerostat::host::virt {
namespace {

using Kind = DomainEvent::Kind;

// What a callback gets: its own share of the sink, freed by libvirt when the callback is taken away.
struct Ear {
    std::shared_ptr<EventSink> sink;
};

void tell(virDomainPtr domain, void* opaque, Kind kind, Bytes actual = {}, std::string detail = {}) {
    std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
    if (virDomainGetUUIDString(domain, uuid.data()) != 0) return;
    static_cast<Ear*>(opaque)->sink->post({kind, uuid.data(), actual, std::move(detail)});
}

void on_lifecycle(virConnectPtr, virDomainPtr domain, int event, int, void* opaque) {
    if (const auto kind = lifecycle_kind(event)) tell(domain, opaque, *kind);
}

void on_reboot(virConnectPtr, virDomainPtr domain, void* opaque) { tell(domain, opaque, Kind::rebooted); }

void on_balloon(virConnectPtr, virDomainPtr domain, unsigned long long actual_kib, void* opaque) {
    if (actual_kib <= Bytes::kLimit / 1024) tell(domain, opaque, Kind::balloon_changed, Bytes(actual_kib * 1024));
}

void on_memory_failure(virConnectPtr, virDomainPtr domain, int recipient, int action, unsigned int flags, void* opaque) {
    tell(domain, opaque, Kind::memory_failed, {}, memory_failure_words(recipient, action, flags));
}

void on_iteration(virConnectPtr, virDomainPtr domain, int, void* opaque) { tell(domain, opaque, Kind::moving); }

void on_job_completed(virConnectPtr, virDomainPtr domain, virTypedParameterPtr, int, void* opaque) {
    tell(domain, opaque, Kind::job_ended);
}

void on_device(virConnectPtr, virDomainPtr domain, const char*, void* opaque) {
    tell(domain, opaque, Kind::hardware_changed);
}

void on_memory_device(virConnectPtr, virDomainPtr domain, const char*, unsigned long long, void* opaque) {
    tell(domain, opaque, Kind::hardware_changed);
}

void on_agent(virConnectPtr, virDomainPtr domain, int state, int, void* opaque) {
    const bool is_there = state == VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED;
    tell(domain, opaque, Kind::agent_changed, {}, is_there ? "connected" : "disconnected");
}

struct Wanted {
    int id;
    const char* name;
    virConnectDomainEventGenericCallback callback;
};

// libvirt keeps callbacks of all shapes as one type, and calls each by the shape its id stands for.
const std::array kWanted{
    Wanted{VIR_DOMAIN_EVENT_ID_LIFECYCLE, "lifecycle", VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
    Wanted{VIR_DOMAIN_EVENT_ID_REBOOT, "reboot", VIR_DOMAIN_EVENT_CALLBACK(on_reboot)},
    Wanted{VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, "balloon-change", VIR_DOMAIN_EVENT_CALLBACK(on_balloon)},
    Wanted{VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE, "memory-failure", VIR_DOMAIN_EVENT_CALLBACK(on_memory_failure)},
    Wanted{VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, "migration-iteration", VIR_DOMAIN_EVENT_CALLBACK(on_iteration)},
    Wanted{VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, "job-completed", VIR_DOMAIN_EVENT_CALLBACK(on_job_completed)},
    Wanted{VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, "device-added", VIR_DOMAIN_EVENT_CALLBACK(on_device)},
    Wanted{VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, "device-removed", VIR_DOMAIN_EVENT_CALLBACK(on_device)},
    Wanted{VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE, "memory-device-size-change",
           VIR_DOMAIN_EVENT_CALLBACK(on_memory_device)},
    Wanted{VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, "agent-lifecycle", VIR_DOMAIN_EVENT_CALLBACK(on_agent)},
};

const char* recipient_word(int recipient) {
    return recipient == VIR_DOMAIN_EVENT_MEMORY_FAILURE_RECIPIENT_HYPERVISOR ? "the hypervisor's" : "the guest's";
}

const char* action_word(int action) {
    switch (action) {
        case VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_IGNORE:
            return "ignored";
        case VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_INJECT:
            return "told to the guest";
        case VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_FATAL:
            return "fatal";
        case VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_RESET:
            return "the guest was reset";
        default:
            return "unknown";
    }
}

[[noreturn]] void run_events() {
    while (true) {
        // Fails only if polling does; then no event can come, and turning round at full speed would not bring one.
        if (virEventRunDefaultImpl() < 0) std::this_thread::sleep_for(std::chrono::seconds(1));
    }
}

}  // namespace

void start_event_thread() {
    [[maybe_unused]] static const bool once = [] {
        if (virEventRegisterDefaultImpl() != 0) return false;
        daemon::start_quiet_thread(run_events);
        return true;
    }();
}

Subscription subscribe(virConnectPtr connection, const std::shared_ptr<EventSink>& sink) {
    Subscription subscription;
    for (const Wanted& wanted : kWanted) {
        auto ear = std::make_unique<Ear>(Ear{sink});
        const int id = virConnectDomainEventRegisterAny(connection, nullptr, wanted.id, wanted.callback, ear.get(),
                                                        [](void* opaque) { delete static_cast<Ear*>(opaque); });
        if (id < 0) {
            subscription.missing.emplace_back(wanted.name);
            continue;
        }
        static_cast<void>(ear.release());  // libvirt's now
        subscription.callbacks.push_back(id);
    }
    return subscription;
}

void unsubscribe(virConnectPtr connection, const Subscription& subscription) {
    for (const int id : subscription.callbacks) virConnectDomainEventDeregisterAny(connection, id);
}

std::optional<Kind> lifecycle_kind(int event) {
    switch (event) {
        case VIR_DOMAIN_EVENT_STARTED:
            return Kind::started;
        case VIR_DOMAIN_EVENT_STOPPED:
            return Kind::stopped;
        case VIR_DOMAIN_EVENT_SUSPENDED:
            return Kind::suspended;
        case VIR_DOMAIN_EVENT_RESUMED:
            return Kind::resumed;
        case VIR_DOMAIN_EVENT_CRASHED:
            return Kind::crashed;
        case VIR_DOMAIN_EVENT_PMSUSPENDED:
            return Kind::suspended;
        default:
            return std::nullopt;  // defined, undefined, shutdown (stopped follows)
    }
}

std::string memory_failure_words(int recipient, int action, unsigned int flags) {
    std::string words = std::string(recipient_word(recipient)) + " memory, " + action_word(action);
    if (flags & VIR_DOMAIN_MEMORY_FAILURE_RECURSIVE) words += ", again while it was handling one";
    return words;
}

}  // namespace aerostat::host::virt
