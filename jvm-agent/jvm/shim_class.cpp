#include "jvm-agent/jvm/shim_class.h"

#include <algorithm>
#include <string>

#include "jvm-agent/jvm/refs.h"
#include "jvm-agent/jvm/shim_bytes.h"

namespace aerostat::agent {

Result<jclass> define_shim(JNIEnv* env, const char* name) {
    const auto classes = shim_classes();
    const auto shim = std::find_if(classes.begin(), classes.end(), [&](const ShimClass& each) { return each.name == name; });
    if (shim == classes.end()) return fail(ErrorCode::internal, std::string("no class ") + name + " was built in");
    const auto* const data = reinterpret_cast<const jbyte*>(shim->bytes.data());
    const LocalRef<jclass> defined(env, env->DefineClass(name, nullptr, data, static_cast<jsize>(shim->bytes.size())));
    if (clear_exception(env) || !defined)
        return fail(ErrorCode::unsupported, std::string("the JVM did not accept the agent's class ") + name);
    return static_cast<jclass>(env->NewGlobalRef(defined.get()));
}

}  // namespace aerostat::agent
