#pragma once

#include <memory>
#include <semaphore>

#include "jvm-agent/app/options.h"
#include "jvm-agent/jvm/gc_signals.h"
#include "jvm-agent/jvm/vm.h"

namespace aerostat::agent {

/// The agent in one JVM: its thread, and what the VM calls back.
///
/// Never destroyed: the VM keeps pointers to it, and at the VM's death its thread may be inside a call that never returns.
/// Then memory is leaked rather than freed under a running thread.
class Agent final : public VmListener {
public:
    /// Loads the agent. Fails: `unsupported`, `busy`, `io`: nothing is left behind then.
    [[nodiscard]] static Status load(JavaVM* vm, Options options, bool already_running);

    void on_ready() override;
    /// Closes the gate and waits, shortly, until the agent's thread has left the VM.
    void on_death() override;

private:
    Agent(Vm vm, Options options) : vm_(vm), options_(std::move(options)) {}
    void start_thread();
    void run();
    void run_loop(JNIEnv* env);

    Vm vm_;
    Options options_;
    GcSignals signals_;
    std::binary_semaphore left_{0};
    std::atomic<bool> running_{false};
};

/// One line on the JVM's standard error.
void say(const std::string& text);

}  // namespace aerostat::agent
