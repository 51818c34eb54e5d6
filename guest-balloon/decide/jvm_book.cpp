#include "guest-balloon/decide/jvm_book.h"

#include <algorithm>

#include "guest-balloon/decide/sane_report.h"

namespace aerostat::guest {
namespace {

constexpr std::size_t kLongestName = 64;

}  // namespace

Bytes Jvm::heap_ceiling() const { return std::max(facts.max_heap, report ? report->ceiling : Bytes()); }

std::string base_name(const std::string& introduced) {
    std::string base = introduced.substr(0, introduced.find('~'));
    return base.empty() ? "jvm" : base;
}

std::string name_with_pid(const std::string& name, pid_t pid) {
    const std::string suffix = "~" + std::to_string(pid);
    return name.substr(0, kLongestName - suffix.size()) + suffix;
}

Result<JvmBook::Admission> JvmBook::admit(ConnectionId connection, const ProcessIdentity& process, const Hello& hello,
                                          const AgentLimits& limits, const IsAlive& is_alive, TimePoint now) {
    if (process.pid <= 0)
        return fail(ErrorCode::denied, "the kernel does not tell which process this is: it runs outside our pid namespace");
    Admission admission;
    const std::string wished = base_name(hello.name);
    Jvm* jvm = find(process);
    if (!jvm || !jvm->connection) {
        if (auto room = check_room(process, limits); !room) return tl::unexpected(room.error());
    }
    if (jvm && jvm->wished == wished) {
        admission.returned = true;
        admission.replaced = jvm->connection;
    } else {
        if (jvm) {
            admission.replaced = jvm->connection;
            admission.dead.push_back(*jvm);  // under its old name it is no more
            admission.dead.back().connection.reset();
            jvms_.erase(jvm->name);
        }
        const std::string name = claim_name(wished, process, is_alive, admission.dead);
        jvm = &jvms_[name];
        *jvm = Jvm{};
        jvm->name = name;
        jvm->wished = wished;
        jvm->process = process;
    }
    jvm->connection = connection;
    jvm->session = hello.session;
    jvm->facts = sane_facts(hello.jvm.value_or(JvmFacts{}));
    jvm->heard_at = now;
    admission.name = jvm->name;
    return admission;
}

Status JvmBook::check_room(const ProcessIdentity& process, const AgentLimits& limits) const {
    const auto present = connected();
    if (present.size() >= limits.agents) {
        return fail(ErrorCode::busy, "all " + std::to_string(limits.agents) + " places for JVMs are taken (max_agents)");
    }
    const auto of_user =
        std::count_if(present.begin(), present.end(), [&](const Jvm* jvm) { return jvm->process.uid == process.uid; });
    if (process.uid != 0 && static_cast<std::size_t>(of_user) >= limits.agents_per_uid) {
        return fail(ErrorCode::busy, "user " + std::to_string(process.uid) + " already has " + std::to_string(of_user) +
                                         " JVMs here (max_agents_per_uid)");
    }
    return {};
}

std::string JvmBook::claim_name(const std::string& wished, const ProcessIdentity& process, const IsAlive& is_alive,
                                std::vector<Jvm>& dead) {
    if (free_if_dead(wished, is_alive, dead)) return wished;
    const std::string own = name_with_pid(wished, process.pid);
    // Whoever holds our own pid's name is an earlier process of that pid: it must be dead.
    if (const auto found = jvms_.find(own); found != jvms_.end()) {
        dead.push_back(std::move(found->second));
        jvms_.erase(found);
    }
    return own;
}

bool JvmBook::free_if_dead(const std::string& name, const IsAlive& is_alive, std::vector<Jvm>& dead) {
    const auto found = jvms_.find(name);
    if (found == jvms_.end()) return true;
    if (is_alive(found->second.process)) return false;
    dead.push_back(std::move(found->second));
    jvms_.erase(found);
    return true;
}

Jvm* JvmBook::lost(ConnectionId connection) {
    Jvm* jvm = find(connection);
    if (!jvm) return nullptr;
    jvm->connection.reset();
    const std::string name = jvm->name;
    bound_lost();
    return find(name);
}

void JvmBook::bound_lost() {
    for (;;) {
        const auto lost = disconnected();
        if (lost.size() <= kMostLost) return;
        const auto oldest =
            std::min_element(lost.begin(), lost.end(), [](const Jvm* a, const Jvm* b) { return a->heard_at < b->heard_at; });
        jvms_.erase((*oldest)->name);
    }
}

std::vector<std::string> JvmBook::forget_dead(const IsAlive& is_alive) {
    std::vector<std::string> forgotten;
    for (auto at = jvms_.begin(); at != jvms_.end();) {
        if (at->second.connection || is_alive(at->second.process)) {
            ++at;
            continue;
        }
        forgotten.push_back(at->first);
        at = jvms_.erase(at);
    }
    return forgotten;
}

Jvm* JvmBook::find(const std::string& name) {
    const auto found = jvms_.find(name);
    return found == jvms_.end() ? nullptr : &found->second;
}

const Jvm* JvmBook::find(const std::string& name) const {
    const auto found = jvms_.find(name);
    return found == jvms_.end() ? nullptr : &found->second;
}

Jvm* JvmBook::find(ConnectionId connection) {
    for (auto& [name, jvm] : jvms_) {
        if (jvm.connection == connection) return &jvm;
    }
    return nullptr;
}

Jvm* JvmBook::find(const ProcessIdentity& process) {
    for (auto& [name, jvm] : jvms_) {
        if (jvm.process.pid == process.pid && jvm.process.start_ticks == process.start_ticks) return &jvm;
    }
    return nullptr;
}

std::vector<const Jvm*> JvmBook::connected() const {
    std::vector<const Jvm*> found;
    for (const auto& [name, jvm] : jvms_) {
        if (jvm.connection) found.push_back(&jvm);
    }
    return found;
}

std::vector<const Jvm*> JvmBook::disconnected() const {
    std::vector<const Jvm*> found;
    for (const auto& [name, jvm] : jvms_) {
        if (!jvm.connection) found.push_back(&jvm);
    }
    return found;
}

std::string JvmBook::known_names() const {
    std::string names;
    for (const Jvm* jvm : connected()) names += (names.empty() ? "" : ", ") + jvm->name;
    constexpr std::size_t kMostText = 360;  // with the sentence around it, within a text of the wire
    if (names.size() > kMostText) names = names.substr(0, kMostText) + "…";
    return names.empty() ? "none" : names;
}

void JvmBook::for_each(const std::function<void(Jvm&)>& visit) {
    for (auto& [name, jvm] : jvms_) visit(jvm);
}

}  // namespace aerostat::guest
