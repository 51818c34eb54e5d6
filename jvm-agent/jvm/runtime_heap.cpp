#include "jvm-agent/jvm/runtime_heap.h"

#include "jvm-agent/jvm/refs.h"

namespace aerostat::agent {

RuntimeHeap::RuntimeHeap(JNIEnv* env) : env_(env) {
    const LocalRef<jclass> type(env, env->FindClass("java/lang/Runtime"));
    if (clear_exception(env) || !type) return;
    const jmethodID get = env->GetStaticMethodID(type.get(), "getRuntime", "()Ljava/lang/Runtime;");
    if (clear_exception(env) || get == nullptr) return;
    const LocalRef<> runtime(env, env->CallStaticObjectMethod(type.get(), get));
    if (clear_exception(env) || !runtime) return;
    total_ = env->GetMethodID(type.get(), "totalMemory", "()J");
    if (total_ != nullptr) free_ = env->GetMethodID(type.get(), "freeMemory", "()J");
    if (free_ != nullptr) max_ = env->GetMethodID(type.get(), "maxMemory", "()J");
    if (max_ != nullptr) gc_ = env->GetMethodID(type.get(), "gc", "()V");
    if (clear_exception(env)) return;
    runtime_ = env->NewGlobalRef(runtime.get());
}

Status RuntimeHeap::collect() const {
    if (runtime_ == nullptr) return fail(ErrorCode::unsupported, "this JVM has no java.lang.Runtime");
    env_->CallVoidMethod(runtime_, gc_);
    if (clear_exception(env_)) return fail(ErrorCode::refused, "the JVM did not collect");
    return {};
}

Bytes RuntimeHeap::ask(jmethodID method) const {
    if (runtime_ == nullptr) return Bytes();
    const jlong value = env_->CallLongMethod(runtime_, method);
    if (clear_exception(env_) || value < 0) return Bytes();
    return Bytes(static_cast<std::uint64_t>(value));
}

}  // namespace aerostat::agent
