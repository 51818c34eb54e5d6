#include "jvm-agent/app/agent.h"

// Where the JVM enters. Nothing thrown may pass, and a JVM is never kept from starting because of its agent.
namespace {

using namespace aerostat;

/// True if the agent is in, or the operator only wanted help.
bool load(JavaVM* vm, const char* text, bool already_running) noexcept {
    try {
        auto options = agent::parse_options(text == nullptr ? "" : text);
        if (!options) {
            agent::say("option " + options.error().message + "; the JVM runs without the agent");
            return false;
        }
        if (options->help) {
            agent::say(std::string(agent::options_help()));
            return true;
        }
        if (auto loaded = agent::Agent::load(vm, std::move(*options), already_running); !loaded) {
            agent::say(loaded.error().message + "; not loaded");
            return false;
        }
        return true;
    } catch (...) {  // out of native memory: there is nothing to say it with
        return false;
    }
}

}  // namespace

extern "C" JNIEXPORT jint JNICALL Agent_OnLoad(JavaVM* vm, char* options, void*) {
    load(vm, options, false);
    return JNI_OK;
}

extern "C" JNIEXPORT jint JNICALL Agent_OnAttach(JavaVM* vm, char* options, void*) {
    return load(vm, options, true) ? JNI_OK : JNI_ERR;
}

extern "C" JNIEXPORT void JNICALL Agent_OnUnload(JavaVM*) {}  // VMDeath has closed the gate; the rest goes with the process
