#pragma once

#include <jni.h>

namespace aerostat::testing {

/// JNI's function table for an environment of FakeJni.
[[nodiscard]] const JNINativeInterface_* fake_jni_functions();

}  // namespace aerostat::testing
