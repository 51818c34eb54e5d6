#include "jvm-agent/app/agent.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>

#include "jvm-agent/app/agent_loop.h"
#include "jvm-agent/jvm/instance_mark.h"

namespace aerostat::agent {
namespace {

constexpr Duration kDrain = std::chrono::milliseconds(200);
constexpr const char* kThreadName = "Aerostat";
constexpr std::size_t kStack = 512 * 1024;

}  // namespace

void say(const std::string& text) {
    const std::string line = "aerostat: " + text + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
}

Status Agent::load(JavaVM* java_vm, Options options, bool already_running) {
    auto vm = Vm::open(java_vm);
    if (!vm) return tl::unexpected(vm.error());
    if (auto first = leave_instance_mark(AEROSTAT_VERSION); !first) return first;
    auto* const agent = new Agent(*vm, std::move(options));  // for the rest of the process
    agent->signals_.event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (agent->signals_.event_fd < 0) return tl::unexpected(error_from_errno("making an event descriptor", errno));
    if (auto subscribed = agent->vm_.subscribe(agent->signals_, *agent, already_running); !subscribed) return subscribed;
    if (already_running) agent->start_thread();
    return {};
}

void Agent::on_ready() { start_thread(); }

void Agent::on_death() {
    signals_.closed.store(true, std::memory_order_release);
    signals_.wake();
    if (running_.load()) static_cast<void>(left_.try_acquire_for(kDrain));
}

void Agent::start_thread() {
    running_.store(true);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, kStack);
    pthread_t thread{};
    const auto body = [](void* self) -> void* {
        static_cast<Agent*>(self)->run();
        return nullptr;
    };
    if (pthread_create(&thread, &attributes, body, this) != 0) {
        running_.store(false);
        say("no thread could be made; the JVM runs without the agent");
    }
    pthread_attr_destroy(&attributes);
}

void Agent::run() {
    pthread_setname_np(pthread_self(), kThreadName);  // the JVM names only its own threads to the kernel
    if (JNIEnv* const env = vm_.attach_daemon(kThreadName)) {
        try {
            run_loop(env);
        } catch (const std::exception& broken) {  // a library's; ours are values
            say(std::string("internal error, the JVM runs on without the agent: ") + broken.what());
        }
        if (!signals_.closed.load(std::memory_order_acquire)) vm_.java_vm()->DetachCurrentThread();
    }
    running_.store(false);
    left_.release();
    // After the VM's death its thread list still names this thread: it stays, asleep, until the process ends.
    while (signals_.closed.load(std::memory_order_acquire)) pause();
}

void Agent::run_loop(JNIEnv* env) {
    auto tables = HotspotTables::open();
    if (!tables) return say(tables.error().message + "; the JVM runs without the agent");
    auto flags = HotspotFlags::open(*tables);
    if (!flags) return say(flags.error().message + "; the JVM runs without the agent");
    VmSight sight{
        env, vm_.major_version(), *tables, *flags, &signals_, options_.full_gcs, options_.refill_reserve, options_.g1_hold};
    AgentLoop loop(sight, vm_.java_version(), options_, signals_);
    loop.run();
}

}  // namespace aerostat::agent
