#include "host-controller/virt/libvirt_calls.h"

#include <array>
#include <cstdlib>
#include <span>

#include "contract/names.h"

namespace aerostat::host::virt {
namespace {

// Seconds since 1970 beyond which a time is nonsense, and would overflow in nanoseconds.
constexpr unsigned long long kEndOfTime = 1ULL << 33U;

Bytes from_kib(unsigned long long kib) { return Bytes(1024) * kib; }

std::string called(const DomainHandle& domain) {
    const char* name = virDomainGetName(domain.get());
    return "domain " + std::string(name ? name : "?");
}

// The error is read before anything else is asked of libvirt: every call, however harmless, forgets it.
Error domain_error(const std::string& doing, const DomainHandle& domain) {
    Error error = libvirt_error(doing, nullptr);
    if (virConnectIsAlive(virDomainGetConnect(domain.get())) != 1) error.code = ErrorCode::disconnected;
    return while_doing(called(domain), std::move(error)).value();
}

// libvirt's array of domains, each still ours to free.
std::vector<DomainHandle> owned(virDomainPtr* domains, int count, const ConnectionHandle& connection) {
    std::vector<DomainHandle> handles;
    for (int i = 0; i < count; ++i) handles.push_back(own(domains[i], connection));
    std::free(domains);
    return handles;
}

// 9000000 is 9.0.0.
std::string version_words(unsigned long version) {
    return std::to_string(version / 1'000'000) + "." + std::to_string(version / 1000 % 1000) + "." +
           std::to_string(version % 1000);
}

RunState state_of(const DomainHandle& domain) {
    int state = 0;
    int reason = 0;
    if (virDomainGetState(domain.get(), &state, &reason, 0) != 0) return RunState::running;  // the next listing tells
    if (state == VIR_DOMAIN_CRASHED || (state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_CRASHED))
        return RunState::crashed;
    return state == VIR_DOMAIN_PAUSED || state == VIR_DOMAIN_PMSUSPENDED ? RunState::suspended : RunState::running;
}

std::optional<std::string> live_xml(const DomainHandle& domain) {
    const std::unique_ptr<char, void (*)(void*)> xml(virDomainGetXMLDesc(domain.get(), 0), std::free);
    if (!xml) return std::nullopt;
    return std::string(xml.get());
}

}  // namespace

Result<OpenedConnection> open_connection(const std::string& uri,
                                         const std::function<void(daemon::CallPool::Action)>& disposer,
                                         const std::shared_ptr<EventSink>& sink) {
    prepare_libvirt();
    const virConnectPtr opened = virConnectOpen(uri.c_str());
    if (!opened) return tl::unexpected(libvirt_error("connecting", nullptr));
    LibvirtFacts facts;
    unsigned long version = 0;
    if (virConnectGetLibVersion(opened, &version) == 0) facts.libvirt = version_words(version);
    const char* driver = virConnectGetType(opened);
    if (virConnectGetVersion(opened, &version) == 0)
        facts.hypervisor = printable(driver ? driver : "?", 20) + " " + version_words(version);
    Subscription subscription = subscribe(opened, sink);
    facts.missing_events = subscription.missing;
    return OpenedConnection{own(opened, disposer, std::move(subscription)), std::move(facts)};
}

Result<std::vector<ListedDomain>> list_active(const ConnectionHandle& connection, const Connection::Known& known) {
    virDomainPtr* domains = nullptr;
    const int count = virConnectListAllDomains(connection.get(), &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (count < 0) return tl::unexpected(libvirt_error("listing domains", connection.get()));
    std::vector<ListedDomain> listed;
    for (DomainHandle& handle : owned(domains, count, connection)) {
        std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
        const char* name = virDomainGetName(handle.get());
        if (!name || virDomainGetUUIDString(handle.get(), uuid.data()) != 0) continue;
        ActiveDomain domain{uuid.data(), name, static_cast<int>(virDomainGetID(handle.get())), state_of(handle),
                            std::nullopt};
        const auto before = known.find(domain.uuid);
        if (before == known.end() || before->second != domain.id) {
            domain.xml = live_xml(handle);
            if (!domain.xml) {
                const Error why = domain_error("reading its XML", handle);
                if (why.code == ErrorCode::disconnected) return tl::unexpected(why);
                continue;
            }
        }
        listed.push_back({std::move(domain), std::move(handle)});
    }
    return listed;
}

Result<MemoryStats> read_memory_stats(const DomainHandle& domain) {
    MemoryStats stats;
    const unsigned long maximum = virDomainGetMaxMemory(domain.get());
    if (maximum == 0) return tl::unexpected(domain_error("reading its maximum", domain));
    stats.maximum = from_kib(maximum);
    std::array<virDomainMemoryStatStruct, VIR_DOMAIN_MEMORY_STAT_NR> values{};
    const int count = virDomainMemoryStats(domain.get(), values.data(), VIR_DOMAIN_MEMORY_STAT_NR, 0);
    if (count < 0) return tl::unexpected(domain_error("reading its memory statistics", domain));
    std::chrono::sys_seconds heard{};
    bool has_actual = false;
    for (const auto& value : std::span(values).first(static_cast<std::size_t>(count))) {
        if (value.tag == VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON) {
            stats.actual = from_kib(value.val);
            has_actual = true;
        } else if (value.tag == VIR_DOMAIN_MEMORY_STAT_USABLE) {
            stats.usable = from_kib(value.val);
        } else if (value.tag == VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE && value.val < kEndOfTime) {
            heard = std::chrono::sys_seconds(std::chrono::seconds(value.val));
        }
    }
    if (!has_actual) return fail(ErrorCode::unsupported, called(domain) + " has no balloon that tells its size");
    // Without a time the guest's driver has never reported: no figure is better than one of unknown age.
    const auto now = std::chrono::system_clock::now();
    if (heard == std::chrono::sys_seconds{}) stats.usable.reset();
    if (stats.usable) stats.usable_age = std::max(Duration{}, std::chrono::duration_cast<Duration>(now - heard));
    return stats;
}

Result<std::string> read_xml(const DomainHandle& domain) {
    auto xml = live_xml(domain);
    if (!xml) return tl::unexpected(domain_error("reading its XML", domain));
    return *std::move(xml);
}

Result<bool> read_whether_moving(const DomainHandle& domain) {
    int type = VIR_DOMAIN_JOB_NONE;
    virTypedParameterPtr values = nullptr;
    int count = 0;
    if (virDomainGetJobStats(domain.get(), &type, &values, &count, 0) != 0) {
        Error why = domain_error("reading its job", domain);
        if (why.code == ErrorCode::unsupported) return false;  // a hypervisor that knows no jobs
        return tl::unexpected(std::move(why));
    }
    int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
    virTypedParamsGetInt(values, count, VIR_DOMAIN_JOB_OPERATION, &operation);
    virTypedParamsFree(values, count);
    if (type != VIR_DOMAIN_JOB_BOUNDED && type != VIR_DOMAIN_JOB_UNBOUNDED) return false;
    return operation != VIR_DOMAIN_JOB_OPERATION_BACKUP;  // which copies disks; all others copy memory
}

Status order_memory(const DomainHandle& domain, Bytes actual) {
    const std::uint64_t kib = round_up(actual, Bytes(1024)).count() / 1024;
    if (virDomainSetMemoryFlags(domain.get(), static_cast<unsigned long>(kib), VIR_DOMAIN_AFFECT_LIVE) != 0)
        return tl::unexpected(domain_error("setting its balloon", domain));
    return {};
}

Status order_stats_period(const DomainHandle& domain, std::chrono::seconds period) {
    if (virDomainSetMemoryStatsPeriod(domain.get(), static_cast<int>(period.count()), VIR_DOMAIN_AFFECT_LIVE) != 0)
        return tl::unexpected(domain_error("switching its balloon's statistics on", domain));
    return {};
}

}  // namespace aerostat::host::virt
