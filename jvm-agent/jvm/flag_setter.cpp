#include "jvm-agent/jvm/flag_setter.h"

#include <string>

#include "jvm-agent/jvm/refs.h"
#include "jvm-agent/jvm/shim_bytes.h"

namespace aerostat::agent {

Status FlagSetter::load_shim() {
    if (set_ != nullptr) return {};
    const auto bytes = flags_shim_bytes();
    const auto* const data = reinterpret_cast<const jbyte*>(bytes.data());
    // The boot loader (null) sees java.management in every runtime image that has it, whatever the program's class path.
    const LocalRef<jclass> defined(
        env_, env_->DefineClass("org/aerostat/agent/Flags", nullptr, data, static_cast<jsize>(bytes.size())));
    if (clear_exception(env_) || !defined) return fail(ErrorCode::unsupported, "the JVM did not accept the agent's class");
    shim_ = static_cast<jclass>(env_->NewGlobalRef(defined.get()));
    set_ = env_->GetStaticMethodID(shim_, "set", "(Ljava/lang/String;Ljava/lang/String;)Ljava/lang/String;");
    if (clear_exception(env_) || set_ == nullptr) return fail(ErrorCode::internal, "the agent's class has no method set");
    return {};
}

Status FlagSetter::set(const FlagSetting& setting) {
    if (auto loaded = load_shim(); !loaded) return loaded;
    const LocalRef<jstring> name(env_, env_->NewStringUTF(setting.name.c_str()));
    const LocalRef<jstring> value(env_, env_->NewStringUTF(std::to_string(setting.value).c_str()));
    if (clear_exception(env_) || !name || !value) return fail(ErrorCode::refused, "the JVM could not allocate");
    const LocalRef<jstring> answer(env_,
                                   static_cast<jstring>(env_->CallStaticObjectMethod(shim_, set_, name.get(), value.get())));
    // Linking the class fails where the runtime image has no module jdk.management.
    if (clear_exception(env_)) return fail(ErrorCode::unsupported, "this Java runtime has no jdk.management");
    if (!answer) return {};
    const char* const text = env_->GetStringUTFChars(answer.get(), nullptr);
    std::string why = setting.name + ": " + (text != nullptr ? text : "refused");
    if (text != nullptr) env_->ReleaseStringUTFChars(answer.get(), text);
    return fail(ErrorCode::refused, std::move(why));
}

}  // namespace aerostat::agent
