#pragma once

#include <jni.h>
#include <jvmti.h>

#include <string>

#include "contract/error.h"
#include "jvm-agent/jvm/gc_signals.h"

// The JVM as the agent meets it: its version, its GC events, its death, and a thread of ours inside it.
namespace aerostat::agent {

/// Called back by the VM. on_ready: once, when Java code can run. on_death: once; afterwards nothing may call into the VM.
class VmListener {
public:
    virtual ~VmListener() = default;
    virtual void on_ready() = 0;
    virtual void on_death() = 0;
};

/// The tool interface of one JVM. Lives until the process ends.
/// Thread: subscribe() on the loading thread.
class Vm {
public:
    /// Fails: `unsupported` (older than JDK 17; no GC events).
    [[nodiscard]] static Result<Vm> open(JavaVM* vm);

    /// Starts the events. The VM keeps the pointers for ever: both must live until the process ends.
    Status subscribe(GcSignals& signals, VmListener& listener, bool already_running);

    [[nodiscard]] JavaVM* java_vm() const { return vm_; }
    [[nodiscard]] int major_version() const { return major_; }
    /// "17.0.21"; empty if the JVM does not tell.
    [[nodiscard]] std::string java_version() const;
    /// Makes the calling thread a daemon thread of the JVM. Null if the JVM refuses (it is going down).
    [[nodiscard]] JNIEnv* attach_daemon(const char* name) const;
    /// The environment of a thread that is attached already; null otherwise.
    [[nodiscard]] JNIEnv* current_env() const;

private:
    JavaVM* vm_ = nullptr;
    jvmtiEnv* jvmti_ = nullptr;
    int major_ = 0;
};

}  // namespace aerostat::agent
