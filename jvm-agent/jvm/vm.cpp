#include "jvm-agent/jvm/vm.h"

namespace aerostat::agent {
namespace {

constexpr int kOldestJdk = 17;

struct Subscription {
    GcSignals* signals;
    VmListener* listener;
};

Subscription* subscription_of(jvmtiEnv* jvmti) {
    void* data = nullptr;
    if (jvmti->GetEnvironmentLocalStorage(&data) != JVMTI_ERROR_NONE) return nullptr;
    return static_cast<Subscription*>(data);
}

void JNICALL on_gc_start(jvmtiEnv* jvmti) {
    if (auto* const to = subscription_of(jvmti)) to->signals->start_of_pause();
}
void JNICALL on_gc_finish(jvmtiEnv* jvmti) {
    if (auto* const to = subscription_of(jvmti)) to->signals->end_of_pause();
}
void JNICALL on_vm_init(jvmtiEnv* jvmti, JNIEnv*, jthread) {
    if (auto* const to = subscription_of(jvmti)) to->listener->on_ready();
}
void JNICALL on_vm_death(jvmtiEnv* jvmti, JNIEnv*) {
    if (auto* const to = subscription_of(jvmti)) to->listener->on_death();
}

Status checked(jvmtiError error, const char* action) {
    if (error == JVMTI_ERROR_NONE) return {};
    return fail(ErrorCode::unsupported, std::string(action) + ": JVMTI error " + std::to_string(error));
}

}  // namespace

Result<Vm> Vm::open(JavaVM* vm) {
    Vm result;
    result.vm_ = vm;
    void* env = nullptr;
    if (vm->GetEnv(&env, JVMTI_VERSION_11) != JNI_OK) return fail(ErrorCode::unsupported, "this JVM has no JVMTI 11");
    result.jvmti_ = static_cast<jvmtiEnv*>(env);
    jint version = 0;
    if (const auto got = checked(result.jvmti_->GetVersionNumber(&version), "asking the version"); !got)
        return tl::unexpected(got.error());
    result.major_ = (version & JVMTI_VERSION_MASK_MAJOR) >> JVMTI_VERSION_SHIFT_MAJOR;
    if (result.major_ < kOldestJdk)
        return fail(ErrorCode::unsupported, "JDK " + std::to_string(result.major_) + " is too old: 17 or later is needed");
    return result;
}

Status Vm::subscribe(GcSignals& signals, VmListener& listener, bool already_running) {
    jvmtiCapabilities wanted{};
    wanted.can_generate_garbage_collection_events = 1;
    if (auto got = checked(jvmti_->AddCapabilities(&wanted), "asking for GC events"); !got) return got;
    auto* const to = new Subscription{&signals, &listener};  // for the rest of the process
    jvmtiEventCallbacks callbacks{};
    callbacks.GarbageCollectionStart = &on_gc_start;
    callbacks.GarbageCollectionFinish = &on_gc_finish;
    callbacks.VMInit = &on_vm_init;
    callbacks.VMDeath = &on_vm_death;
    if (auto set = checked(jvmti_->SetEnvironmentLocalStorage(to), "storing the listener"); !set) return set;
    if (auto set = checked(jvmti_->SetEventCallbacks(&callbacks, sizeof callbacks), "setting callbacks"); !set) return set;
    for (const auto event : {JVMTI_EVENT_GARBAGE_COLLECTION_START, JVMTI_EVENT_GARBAGE_COLLECTION_FINISH,
                             JVMTI_EVENT_VM_DEATH, JVMTI_EVENT_VM_INIT}) {
        if (event == JVMTI_EVENT_VM_INIT && already_running) continue;
        if (auto on = checked(jvmti_->SetEventNotificationMode(JVMTI_ENABLE, event, nullptr), "enabling events"); !on)
            return on;
    }
    return {};
}

std::string Vm::java_version() const {
    // "17.0.21+9-Debian-1deb12u1". java.version itself is set by Java code later and not known to JVMTI.
    char* text = nullptr;
    if (jvmti_->GetSystemProperty("java.vm.version", &text) != JVMTI_ERROR_NONE || text == nullptr) return {};
    std::string version(text);
    jvmti_->Deallocate(reinterpret_cast<unsigned char*>(text));
    return version.substr(0, version.find_first_of("+-"));
}

JNIEnv* Vm::attach_daemon(const char* name) const {
    std::string writable(name);
    JavaVMAttachArgs arguments{JNI_VERSION_10, writable.data(), nullptr};
    void* env = nullptr;
    if (vm_->AttachCurrentThreadAsDaemon(&env, &arguments) != JNI_OK) return nullptr;
    return static_cast<JNIEnv*>(env);
}

JNIEnv* Vm::current_env() const {
    void* env = nullptr;
    if (vm_->GetEnv(&env, JNI_VERSION_10) != JNI_OK) return nullptr;
    return static_cast<JNIEnv*>(env);
}

}  // namespace aerostat::agent
