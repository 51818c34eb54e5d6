#include <algorithm>

#include "host-controller/app/host_daemon.h"

// What `aerostatctl doctor` learns from inside of the daemon.
namespace aerostat::host::app {
namespace {

Finding agents_of(const std::string& name, const GuestReport& report) {
    for (const JvmReport& jvm : report.jvms) {
        if (!jvm.facts.can_balloon)
            return {"agents", name, "advice", jvm.name + " has no balloon: " + jvm.facts.why_not, "see aerostatctl jvms"};
    }
    if (report.jvms.empty())
        return {"agents", name, "advice", "no JVM with an agent is there",
                "java -agentpath:/usr/lib/aerostat/libaerostat-jvm.so=name=NAME"};
    return {"agents", name, "ok", std::to_string(report.jvms.size()) + " JVMs with an agent", {}};
}

Finding application_balloon_of(const std::string& name, const std::string& trouble) {
    if (trouble.empty()) return {"application balloon", name, "ok", "its aerostat-balloon answers", {}};
    return {"application balloon", name, "bad", trouble,
            "in the guest: systemctl enable --now aerostat-balloon, application_balloon = true in guestd.toml; on the host: "
            "systemctl enable --now aerostat-punch"};
}

}  // namespace

std::vector<Finding> HostDaemon::examine() const {
    std::vector<Finding> findings;
    findings.push_back({"hostd", {}, "ok", "version " AEROSTAT_VERSION ", backend " + config_.backend, {}});
    if (!config_.act)
        findings.push_back({"mode", {}, "advice", "advise: shows, orders nothing", "mode = \"act\", then reload"});
    if (config_.rules.guests.empty())
        findings.push_back({"guests", {}, "advice", "none is managed", "a [guest.NAME] section for each, or a pattern"});
    if (!backend_) return findings;
    const auto managed = [this](const std::string& name) { return config_.rules.limits_for(name).has_value(); };
    for (Finding& finding : backend_->examine(managed)) findings.push_back(std::move(finding));
    for (const auto& [id, record] : register_.guests()) {
        if (!managed(record.name) || !record.report) continue;
        findings.push_back(agents_of(record.name, *record.report));
        if (has_application_balloon(record.name) && application_balloons_)
            findings.push_back(application_balloon_of(record.name, application_balloons_->trouble(id)));
        for (const std::string& note : notes_on(id)) findings.push_back({"now", record.name, "advice", note, {}});
    }
    for (const std::string& warning : status_frame().warnings) findings.push_back({"warning", {}, "advice", warning, {}});
    return findings;
}

}  // namespace aerostat::host::app
