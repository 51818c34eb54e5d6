#include "cli/condition_command.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/condition_view.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"

extern "C" char** environ;  // NOLINT: POSIX declares no header for it

namespace aerostat::cli {
namespace {

volatile sig_atomic_t interrupted = 0;
extern "C" void on_condition_signal(int) { interrupted = 1; }

// Without SA_RESTART, so that the wait ends.
void end_on_signals() {
    struct sigaction action {};
    action.sa_handler = on_condition_signal;
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
}

int complain(const std::string& text) {
    write_out(STDERR_FILENO, "aerostatctl: " + text + "\n");
    return kExitError;
}

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

int exit_code_of(const aerostat_memory_condition& condition) {
    if (condition.validity == AEROSTAT_NO_DAEMON) return kExitNoDaemon;
    return condition.validity == AEROSTAT_STALE ? kExitError : kExitMet;
}

// The command in a shell, to its end: what changes meanwhile is one change afterwards.
void execute(const std::string& command, const aerostat_memory_condition& condition) {
    std::vector<std::string> words = condition_environment(condition);
    std::vector<char*> environment;
    for (char** entry = environ; *entry; ++entry) {
        if (std::strncmp(*entry, "AEROSTAT_", 9) != 0) environment.push_back(*entry);
    }
    for (std::string& word : words) environment.push_back(word.data());
    environment.push_back(nullptr);
    std::string shell = "/bin/sh";
    std::string option = "-c";
    std::string text = command;
    char* arguments[] = {shell.data(), option.data(), text.data(), nullptr};
    pid_t child = 0;
    if (const int trouble = ::posix_spawn(&child, shell.c_str(), nullptr, nullptr, arguments, environment.data());
        trouble != 0) {
        complain(std::string("starting /bin/sh: ") + std::strerror(trouble));
        return;
    }
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
}

// One of many on a line, a single one as a table.
bool show_condition(const Invocation& invocation, const aerostat_memory_condition& now, bool one_of_many) {
    if (invocation.json) return write_out(STDOUT_FILENO, condition_as_json(now));
    const Look look = look_for(STDOUT_FILENO);
    return write_out(STDOUT_FILENO, one_of_many ? render_condition_line(now, look) : render_condition(now, look));
}

int watch(const Invocation& invocation, aerostat_condition& reader, aerostat_memory_condition& now) {
    end_on_signals();
    const std::string& command = invocation.condition.command;
    // A command is run for levels; who only looks sees every change.
    const int what = command.empty() ? AEROSTAT_WAIT_ANY : AEROSTAT_WAIT_LEVEL;
    while (!interrupted) {
        if (!show_condition(invocation, now, true)) return kExitError;
        if (!command.empty()) execute(command, now);
        int changed = 0;
        while (changed == 0 && !interrupted) changed = aerostat_condition_wait(&reader, what, 60'000, &now);
        if (changed < 0 && changed != AEROSTAT_E_INTERRUPTED) return complain(aerostat_error_text(changed));
    }
    return kExitMet;
}

}  // namespace

int run_condition(const Invocation& invocation) {
    aerostat_condition* reader = nullptr;
    const int opened = aerostat_condition_open(folder_of(invocation.socket).c_str(), &reader);
    if (opened != 0) return complain(aerostat_error_text(opened));
    aerostat_memory_condition now = AEROSTAT_MEMORY_CONDITION_INIT;
    aerostat_condition_read(reader, &now);
    const bool stays = invocation.condition.watch || !invocation.condition.command.empty();
    const int code = stays                                    ? watch(invocation, *reader, now)
                     : show_condition(invocation, now, false) ? exit_code_of(now)
                                                              : kExitError;
    aerostat_condition_close(reader);
    return code;
}

}  // namespace aerostat::cli
