#include "cli/doctor.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "cli/exit_code.h"
#include "cli/render.h"
#include "cli/terminal.h"
#include "contract/codec.h"
#include "contract/names.h"
#include "wire/request_client.h"

namespace aerostat::cli {
namespace {

constexpr Duration kAnswerWithin = std::chrono::seconds(10);

Result<ControlReply> ask(const std::string& socket, Command command) {
    auto client = wire::RequestClient::connect(socket);
    if (!client) return tl::unexpected(client.error());
    ControlRequest request;
    request.id = fresh_id();
    request.command = command;
    return client->ask(request, kAnswerWithin);
}

Finding no_daemon(const Error& why) {
    return {"daemon", {}, "bad", why.message, "systemctl status aerostat-hostd aerostat-guestd"};
}

// A host's daemon knows more; a guest's says in its status what is degraded.
bool examine_daemon(const std::string& socket, std::vector<Finding>& findings) {
    const auto status = ask(socket, Command::status);
    if (!status || status->error) {
        findings.push_back(no_daemon(status ? *status->error : status.error()));
        return false;
    }
    const auto* view = std::get_if<StatusView>(&status->body);
    if (!view) return true;
    if (view->daemon == "hostd") {
        const auto reply = ask(socket, Command::doctor);
        if (!reply || reply->error) {
            findings.push_back(no_daemon(reply ? *reply->error : reply.error()));
            return true;
        }
        if (const auto* seen = std::get_if<DoctorView>(&reply->body))
            findings.insert(findings.end(), seen->findings.begin(), seen->findings.end());
        return true;
    }
    findings.push_back({"daemon", {}, "ok", view->daemon + " " + view->software + ", host " + view->superior, {}});
    for (const std::string& warning : view->warnings) findings.push_back({"warning", {}, "advice", warning, {}});
    return true;
}

bool is_bad(const Finding& finding) { return finding.level == "bad"; }

Style style_of(const Finding& finding) {
    if (finding.level == "ok") return Style::good;
    return is_bad(finding) ? Style::bad : Style::warning;
}

int rank_of(const Finding& finding) { return is_bad(finding) ? 0 : finding.level == "ok" ? 2 : 1; }

}  // namespace

std::string render_doctor(const DoctorView& doctor, const Look& look) {
    std::vector<Finding> findings = doctor.findings;
    std::stable_sort(findings.begin(), findings.end(),
                     [](const Finding& a, const Finding& b) { return rank_of(a) < rank_of(b); });
    std::string out;
    for (const Finding& finding : findings) {
        const std::string where = finding.subject.empty() ? "" : printable(finding.subject, 70) + ": ";
        out +=
            fmt::format("{}  {}{}: {}\n", styled(fmt::format("{:6}", printable(finding.level, 6)), style_of(finding), look),
                        where, printable(finding.check, 40), printable(finding.says, 400));
        if (!finding.remedy.empty()) out += fmt::format("        do: {}\n", printable(finding.remedy, 400));
    }
    const auto bad = std::count_if(findings.begin(), findings.end(), is_bad);
    const auto advice = std::count_if(findings.begin(), findings.end(), [](const Finding& f) { return rank_of(f) == 1; });
    return out + fmt::format("{} looked at: {} bad, {} with advice\n", findings.size(), bad, advice);
}

int run_doctor(const Invocation& invocation) {
    const bool is_guest =
        ::access("/etc/aerostat/hostd.toml", F_OK) != 0 && ::access("/etc/aerostat/guestd.toml", F_OK) == 0;
    const std::string usual = is_guest ? "/etc/aerostat/guestd.toml" : "/etc/aerostat/hostd.toml";
    DoctorView doctor;
    doctor.findings = examine_machine(invocation.socket, invocation.config.empty() ? usual : invocation.config);
    const bool answers = examine_daemon(invocation.socket, doctor.findings);
    const std::string text =
        invocation.json ? body_as_json(doctor, 2) + "\n" : render_doctor(doctor, look_for(STDOUT_FILENO));
    if (!write_out(STDOUT_FILENO, text)) return kExitError;
    if (!answers) return kExitNoDaemon;
    return std::any_of(doctor.findings.begin(), doctor.findings.end(), is_bad) ? kExitShortfall : kExitMet;
}

}  // namespace aerostat::cli
