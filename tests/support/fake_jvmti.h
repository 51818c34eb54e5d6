#pragma once

#include <jvmti.h>

#include <map>
#include <string>
#include <vector>

namespace aerostat::testing {

/// A JavaVM and its jvmtiEnv of our own: they note what they are asked for, and refuse it on demand. A function that they do
/// not have ends the process.
/// Thread: one; `callbacks` may be called from any, once they are set.
class FakeJvmti {
public:
    FakeJvmti();
    [[nodiscard]] JavaVM* vm() { return &vm_; }
    [[nodiscard]] jvmtiEnv* jvmti() { return &env_; }

    // What a test sets.
    jint version = 17 << JVMTI_VERSION_SHIFT_MAJOR;
    std::map<std::string, jvmtiError> errors;  ///< of functions; each is refused from then on
    std::map<jint, void*> environments;        ///< what GetEnv() gives for a version
    std::string vm_version = "17.0.21+9-Debian-1deb12u1";
    bool attaches = true;
    JNIEnv* attached = nullptr;  ///< what a thread that attaches gets

    // What it looks at.
    std::vector<std::string> calls;  ///< of functions that change something
    std::vector<jvmtiEvent> events;  ///< enabled, in this order
    jvmtiCapabilities capabilities{};
    jvmtiEventCallbacks callbacks{};
    std::string attached_as;
    int not_deallocated = 0;

private:
    friend struct FakeJvmtiTable;
    struct Env : _jvmtiEnv {
        FakeJvmti* fake = nullptr;
    };
    struct Machine : JavaVM_ {
        FakeJvmti* fake = nullptr;
    };
    jvmtiError note(const std::string& call);
    [[nodiscard]] jvmtiError error_of(const std::string& call) const;

    Env env_;
    Machine vm_;
    void* storage_ = nullptr;
};

}  // namespace aerostat::testing
