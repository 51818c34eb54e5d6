#include "application-balloon/host/virt/domain.h"

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <array>
#include <cstdlib>

#include <pugixml.hpp>

#include "contract/names.h"

namespace aerostat::balloon::host {
namespace {

using ConnectionHandle = std::unique_ptr<virConnect, int (*)(virConnectPtr)>;
using DomainHandle = std::unique_ptr<virDomain, int (*)(virDomainPtr)>;
using Text = std::unique_ptr<char, void (*)(void*)>;

Error libvirt_error(const std::string& doing) {
    const virErrorPtr last = virGetLastError();
    if (!last || !last->message) return {ErrorCode::io, doing + ": libvirt does not say why"};
    const bool gone = last->code == VIR_ERR_NO_DOMAIN || last->code == VIR_ERR_OPERATION_INVALID;
    return {gone ? ErrorCode::not_found : ErrorCode::io, doing + ": " + printable(last->message, 200)};
}

class LibvirtDomain final : public Domain {
public:
    LibvirtDomain(ConnectionHandle connection, DomainHandle domain)
        : connection_(std::move(connection)), domain_(std::move(domain)) {}

    Result<std::string> ask_monitor(const std::string& command) override {
        char* answer = nullptr;
        if (virDomainQemuMonitorCommand(domain_.get(), command.c_str(), &answer, VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP) != 0)
            return tl::unexpected(libvirt_error("asking QEMU"));
        const Text owned(answer, std::free);
        return std::string(answer);
    }

    Result<DomainSight> look(bool pausing) override {
        auto seen = pausing ? Result<DomainSight>(DomainSight{}) : read_description();
        if (!seen) return seen;
        int state = 0;
        int reason = 0;
        virDomainJobInfo job{};
        if (virDomainGetState(domain_.get(), &state, &reason, 0) != 0 || virDomainGetJobInfo(domain_.get(), &job) != 0)
            return tl::unexpected(libvirt_error("looking what the domain does"));
        seen->has_job = job.type != VIR_DOMAIN_JOB_NONE;
        seen->is_running =
            pausing ? state == VIR_DOMAIN_PAUSED && may_be_our_pause(reason, seen->has_job) : state == VIR_DOMAIN_RUNNING;
        return seen;
    }

    Status suspend() override {
        if (virDomainSuspend(domain_.get()) != 0) return tl::unexpected(libvirt_error("pausing the domain"));
        return {};
    }
    Status resume() override {
        if (virDomainResume(domain_.get()) != 0) return tl::unexpected(libvirt_error("letting the domain go on"));
        return {};
    }

private:
    Result<DomainSight> read_description() {
        const Text xml(virDomainGetXMLDesc(domain_.get(), 0), std::free);
        if (!xml) return tl::unexpected(libvirt_error("reading the domain's description"));
        return sight_in(xml.get());
    }

    ConnectionHandle connection_;
    DomainHandle domain_;  // freed first
};

// vhost-user back ends have the guest's memory mapped themselves, and may have pinned it for a device of theirs.
bool reaches_memory(const pugi::xml_node& device) {
    const std::string_view name = device.name();
    const std::string_view type = device.attribute("type").value();
    return name == "hostdev" || type == "hostdev" || type == "vdpa" || type == "vhostvdpa" || type == "vhostuser" ||
           (name == "filesystem" && std::string_view(device.child("driver").attribute("type").value()) == "virtiofs");
}

}  // namespace

bool may_be_our_pause(int reason, bool has_job) {
    if (reason == VIR_DOMAIN_PAUSED_USER) return true;
    return !has_job && (reason == VIR_DOMAIN_PAUSED_MIGRATION || reason == VIR_DOMAIN_PAUSED_SNAPSHOT);
}

Result<DomainSight> sight_in(const std::string& xml) {
    pugi::xml_document document;
    if (!document.load_buffer(xml.data(), xml.size())) return fail(ErrorCode::bad_value, "not a domain's description");
    const pugi::xml_node domain = document.child("domain");
    if (domain.empty()) return fail(ErrorCode::bad_value, "not a domain's description");
    DomainSight seen;
    seen.locks_memory = !domain.child("memoryBacking").child("locked").empty();
    for (const pugi::xml_node device : domain.child("devices").children()) {
        if (reaches_memory(device))
            seen.devices.push_back("<" + printable(device.name(), 40) + " type='" +
                                   printable(device.attribute("type").value(), 40) + "'>");
    }
    return seen;
}

Result<std::unique_ptr<Domain>> open_domain(const std::string& uri, const std::string& uuid) {
    static const bool is_quiet = (virSetErrorFunc(nullptr, [](void*, virErrorPtr) {}), true);  // nothing to stderr
    static_cast<void>(is_quiet);
    ConnectionHandle connection(virConnectOpen(uri.c_str()), virConnectClose);
    if (!connection) return tl::unexpected(libvirt_error("connecting to libvirt"));
    DomainHandle domain(virDomainLookupByUUIDString(connection.get(), uuid.c_str()), virDomainFree);
    if (!domain) return tl::unexpected(libvirt_error("looking for the domain"));
    return std::make_unique<LibvirtDomain>(std::move(connection), std::move(domain));
}

}  // namespace aerostat::balloon::host
