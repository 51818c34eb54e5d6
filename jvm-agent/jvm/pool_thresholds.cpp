#include "jvm-agent/jvm/pool_thresholds.h"

#include <algorithm>

#include "jvm-agent/jvm/hotspot_tables.h"
#include "jvm-agent/jvm/refs.h"
#include "jvm-agent/jvm/shim_class.h"

namespace aerostat::agent {
namespace {

constexpr const char* kPoolClass = "sun.management.MemoryPoolImpl";

/// What ClassLoader.findLoadedClass() calls; without a loader it asks for classes of the boot loader, and loads none.
using FindLoadedClass = jclass(JNICALL*)(JNIEnv*, jobject loader, jstring name);

}  // namespace

/// Classes of the boot loader are never unloaded: one yes is for ever.
bool PoolThresholds::pools_are_loaded() {
    if (loaded_) return true;
    static const auto find = reinterpret_cast<FindLoadedClass>(libjvm_symbol("JVM_FindLoadedClass"));
    if (find == nullptr) return false;
    if (pool_class_ == nullptr) {
        const LocalRef<jstring> name(env_, env_->NewStringUTF(kPoolClass));
        if (clear_exception(env_) || !name) return false;
        pool_class_ = static_cast<jstring>(env_->NewGlobalRef(name.get()));
        if (pool_class_ == nullptr) return false;
    }
    const LocalRef<jclass> found(env_, find(env_, nullptr, pool_class_));
    loaded_ = !clear_exception(env_) && found;
    return loaded_;
}

bool PoolThresholds::load_shim() {
    if (lowest_ != nullptr) return true;
    const auto defined = define_shim(env_, "org/aerostat/agent/Thresholds");
    if (!defined) return false;
    shim_ = *defined;
    lowest_ = env_->GetStaticMethodID(shim_, "lowest", "()J");
    return !clear_exception(env_) && lowest_ != nullptr;
}

std::optional<Bytes> PoolThresholds::lowest() {
    if (!pools_are_loaded()) return Bytes();
    broken_ = broken_ || !load_shim();
    if (broken_) return answered_;
    const jlong lowest = env_->CallStaticLongMethod(shim_, lowest_);
    if (clear_exception(env_)) return answered_;
    answered_ = Bytes(static_cast<std::uint64_t>(std::max<jlong>(lowest, 0)));
    return answered_;
}

}  // namespace aerostat::agent
