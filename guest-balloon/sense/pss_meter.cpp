#include "guest-balloon/sense/pss_meter.h"

#include <cerrno>
#include <csignal>

#include "procfs/java_heap_file.h"
#include "procfs/process.h"

namespace aerostat::guest {
namespace {

// Runs on a worker. The identity is checked afterwards, so that the figure cannot be that of a successor of the same pid.
Result<PssReading> read_pss(const ProcessIdentity& process) {
    const SystemClock clock;
    const TimePoint begin = clock.now();
    auto residency = procfs::process_memory(process.pid);
    if (!residency) return while_doing("measuring process " + std::to_string(process.pid), residency.error());
    if (!is_alive(process)) return fail(ErrorCode::not_found, "process " + std::to_string(process.pid) + " has ended");
    return PssReading{residency->pss, clock.now() - begin};
}

}  // namespace

ProcessIdentity identify_process(pid_t pid, uid_t uid) {
    ProcessIdentity process{pid, 0, uid};
    if (auto stat = procfs::read_stat(pid)) process.start_ticks = stat->start_ticks;
    return process;
}

bool is_alive(const ProcessIdentity& process) {
    auto stat = procfs::read_stat(process.pid);
    // Where /proc hides other users' processes (hidepid), their identity was never known, but a signal's answer is.
    if (!stat) return process.start_ticks == 0 && (::kill(process.pid, 0) == 0 || errno == EPERM);
    if (stat->state == 'Z' || stat->state == 'X') return false;
    return process.start_ticks == 0 || stat->start_ticks == process.start_ticks;
}

void PssMeter::measure(const ProcessIdentity& process, OnReading on_reading) {
    Outstanding& outstanding = outstanding_[key(process)];
    if (outstanding.waiting.size() >= kMostWaiting) {
        // Answered by the next reading's end like the others, so that no caller is left without an answer.
        outstanding.served.push_back([on_reading = std::move(on_reading)](const Result<PssReading>&) {
            on_reading(fail(ErrorCode::busy, "too many measurements of this process are waiting"));
        });
        return;
    }
    outstanding.waiting.push_back(std::move(on_reading));
    if (outstanding.served.empty()) start(process);
}

void PssMeter::start(const ProcessIdentity& process) {
    Outstanding& outstanding = outstanding_[key(process)];
    outstanding.served = std::move(outstanding.waiting);
    outstanding.waiting.clear();
    const bool queued = pool_.run([this, process, alive = alive_]() -> std::function<void()> {
        return [this, process, alive, reading = read_pss(process)] {
            if (*alive) finished(process, reading);
        };
    });
    if (queued) return;
    // The pool is full of hanging readings; say so at the next turn of the loop.
    pool_.post([this, process, alive = alive_] {
        if (*alive) finished(process, fail(ErrorCode::busy, "all measuring threads are busy"));
    });
}

void PssMeter::finished(const ProcessIdentity& process, const Result<PssReading>& reading) {
    const auto found = outstanding_.find(key(process));
    if (found == outstanding_.end()) return;
    const auto served = std::move(found->second.served);
    found->second.served.clear();
    if (found->second.waiting.empty())
        outstanding_.erase(found);
    else
        start(process);
    for (const OnReading& on_reading : served) on_reading(reading);
}

}  // namespace aerostat::guest
