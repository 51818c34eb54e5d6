#include "jvm-agent/jvm/flag_setter.h"

#include <string>

#include "jvm-agent/jvm/refs.h"
#include "jvm-agent/jvm/shim_class.h"

namespace aerostat::agent {

Status FlagSetter::load_shim() {
    if (set_ != nullptr) return {};
    const auto defined = define_shim(env_, "org/aerostat/agent/Flags");
    if (!defined) return tl::unexpected(defined.error());
    shim_ = *defined;
    set_ = env_->GetStaticMethodID(shim_, "set", "(Ljava/lang/String;Ljava/lang/String;)Ljava/lang/String;");
    if (clear_exception(env_) || set_ == nullptr) return fail(ErrorCode::internal, "the agent's class has no method set");
    return {};
}

Status FlagSetter::set(const FlagSetting& setting) {
    if (HotspotFlags::can_store(setting.name)) {
        if (may_store_) return flags_.store(setting);
        return fail(ErrorCode::refused, setting.name + " is set only where the agent's option g1-hold=size allows it");
    }
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
