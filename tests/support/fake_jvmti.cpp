#include "tests/support/fake_jvmti.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace aerostat::testing {
namespace {

void unknown_function() {
    std::fputs("a JVMTI or VM function was called that the fake does not have\n", stderr);
    std::abort();
}

/// What a VM is given it keeps until the process ends, and so it is no leak.
std::vector<void*>& kept_for_ever() {
    static auto* const kKept = new std::vector<void*>;  // itself, too
    return *kKept;
}

template <class Table>
Table empty_table() {
    Table table;
    auto* const slots = reinterpret_cast<void**>(&table);
    std::fill_n(slots, sizeof table / sizeof(void*), reinterpret_cast<void*>(&unknown_function));
    return table;
}

}  // namespace

/// The functions themselves; each is named after the one that it stands for.
struct FakeJvmtiTable {
    static FakeJvmti& of(jvmtiEnv* env) { return *static_cast<FakeJvmti::Env*>(env)->fake; }
    static FakeJvmti& of(JavaVM* vm) { return *static_cast<FakeJvmti::Machine*>(vm)->fake; }

    static jvmtiError get_version_number(jvmtiEnv* env, jint* version) {
        *version = of(env).version;
        return of(env).error_of("GetVersionNumber");
    }
    static jvmtiError add_capabilities(jvmtiEnv* env, const jvmtiCapabilities* wanted) {
        of(env).capabilities = *wanted;
        return of(env).note("AddCapabilities");
    }
    static jvmtiError set_storage(jvmtiEnv* env, const void* data) {
        kept_for_ever().push_back(const_cast<void*>(data));
        of(env).storage_ = const_cast<void*>(data);
        return of(env).note("SetEnvironmentLocalStorage");
    }
    static jvmtiError get_storage(jvmtiEnv* env, void** data) {
        *data = of(env).storage_;
        return of(env).error_of("GetEnvironmentLocalStorage");
    }
    static jvmtiError set_callbacks(jvmtiEnv* env, const jvmtiEventCallbacks* callbacks, jint size) {
        if (size != static_cast<jint>(sizeof *callbacks)) unknown_function();
        of(env).callbacks = *callbacks;
        return of(env).note("SetEventCallbacks");
    }
    static jvmtiError set_mode(jvmtiEnv* env, jvmtiEventMode mode, jvmtiEvent event, jthread thread, ...) {
        if (mode != JVMTI_ENABLE || thread != nullptr) unknown_function();
        const jvmtiError error = of(env).note("SetEventNotificationMode");
        if (error == JVMTI_ERROR_NONE) of(env).events.push_back(event);
        return error;
    }
    static jvmtiError get_property(jvmtiEnv* env, const char* name, char** value) {
        FakeJvmti& fake = of(env);
        if (std::strcmp(name, "java.vm.version") != 0) return JVMTI_ERROR_NOT_AVAILABLE;
        if (const jvmtiError error = fake.error_of("GetSystemProperty"); error != JVMTI_ERROR_NONE) return error;
        *value = static_cast<char*>(std::malloc(fake.vm_version.size() + 1));
        std::memcpy(*value, fake.vm_version.c_str(), fake.vm_version.size() + 1);
        ++fake.not_deallocated;
        return JVMTI_ERROR_NONE;
    }
    static jvmtiError deallocate(jvmtiEnv* env, unsigned char* memory) {
        std::free(memory);
        --of(env).not_deallocated;
        return JVMTI_ERROR_NONE;
    }
    static jint get_env(JavaVM* vm, void** env, jint version) {
        const auto found = of(vm).environments.find(version);
        *env = found == of(vm).environments.end() ? nullptr : found->second;
        return *env == nullptr ? JNI_EVERSION : JNI_OK;
    }
    static jint attach(JavaVM* vm, void** env, void* arguments) {
        FakeJvmti& fake = of(vm);
        fake.attached_as = static_cast<JavaVMAttachArgs*>(arguments)->name;
        *env = fake.attached;
        return fake.attaches ? JNI_OK : JNI_ERR;
    }

    static jvmtiInterface_1_ make_jvmti() {
        auto table = empty_table<jvmtiInterface_1_>();
        table.GetVersionNumber = &get_version_number;
        table.AddCapabilities = &add_capabilities;
        table.SetEnvironmentLocalStorage = &set_storage;
        table.GetEnvironmentLocalStorage = &get_storage;
        table.SetEventCallbacks = &set_callbacks;
        table.SetEventNotificationMode = &set_mode;
        table.GetSystemProperty = &get_property;
        table.Deallocate = &deallocate;
        return table;
    }
    static JNIInvokeInterface_ make_vm() {
        auto table = empty_table<JNIInvokeInterface_>();
        table.GetEnv = &get_env;
        table.AttachCurrentThreadAsDaemon = &attach;
        return table;
    }
};

FakeJvmti::FakeJvmti() {
    static const jvmtiInterface_1_ kJvmti = FakeJvmtiTable::make_jvmti();
    static const JNIInvokeInterface_ kVm = FakeJvmtiTable::make_vm();
    env_.functions = &kJvmti;
    env_.fake = this;
    vm_.functions = &kVm;
    vm_.fake = this;
    environments[JVMTI_VERSION_11] = &env_;
}

jvmtiError FakeJvmti::error_of(const std::string& call) const {
    const auto found = errors.find(call);
    return found == errors.end() ? JVMTI_ERROR_NONE : found->second;
}

jvmtiError FakeJvmti::note(const std::string& call) {
    calls.push_back(call);
    return error_of(call);
}

}  // namespace aerostat::testing
