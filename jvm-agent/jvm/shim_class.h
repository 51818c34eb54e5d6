#pragma once

#include <jni.h>

#include "contract/error.h"

namespace aerostat::agent {

/// Defines an embedded class in the boot loader, which sees the modules java.management and jdk.jfr in every runtime that
/// has them, whatever the program's class path. What it extends or implements must have been defined before. Linking it
/// comes later, and fails then where a module is missing.
/// Thread: agent thread.  Returns a global reference, for the rest of the process.  Fails: `unsupported`.
[[nodiscard]] Result<jclass> define_shim(JNIEnv* env, const char* name);

}  // namespace aerostat::agent
