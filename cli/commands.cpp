#include "cli/commands.h"

#include "cli/help_text.h"

namespace aerostat::cli {
namespace {

constexpr const char* kTargetMeaning = "GUEST or GUEST/JVM; on a guest a JVM's name";

CLI::App* add_command(CLI::App& app, const std::string& name) {
    const HelpText help = command_help(name);
    CLI::App* command = app.add_subcommand(name, std::string(help.summary));
    command->footer(std::string(help.page));
    command->fallthrough();  // --socket and --json may stand before or behind the command
    return command;
}

void add_target(CLI::App* command, TypedOptions& typed, bool required) {
    command->add_option("TARGET", typed.target, kTargetMeaning)->required(required)->option_text(" ");
}

void add_bytes(CLI::App* command, TypedOptions& typed) {
    command->add_option("BYTES", typed.bytes, "How much, with its unit: 512MiB, 1.5GiB")->required()->option_text(" ");
}

void add_deadline(CLI::App* command, TypedOptions& typed) {
    command->add_option("--deadline", typed.deadline, "The operation ends by then (default 5s)")->option_text("TIME");
}

void add_on_shortfall(CLI::App* command, TypedOptions& typed) {
    command->add_option("--on-shortfall", typed.on_shortfall, "What becomes of a part result: keep (default) or rollback")
        ->option_text("keep|rollback");
}

void add_order_flags(CLI::App* command, TypedOptions& typed) {
    command->add_flag("--local", typed.local, "On a guest: act although a host is in charge");
    command->add_flag("--no-wait", typed.no_wait, "Start the operation and return; see ops");
}

void add_squeeze(CLI::App& app, TypedOptions& typed) {
    CLI::App* squeeze = add_command(app, "squeeze");
    add_target(squeeze, typed, true);
    add_bytes(squeeze, typed);
    add_deadline(squeeze, typed);
    add_on_shortfall(squeeze, typed);
    squeeze->add_option("--hold", typed.hold, "The ceiling falls away after this (default: not by itself)")
        ->option_text("TIME");
    add_order_flags(squeeze, typed);
}

void add_give(CLI::App& app, TypedOptions& typed) {
    CLI::App* give = add_command(app, "give");
    add_target(give, typed, true);
    add_bytes(give, typed);
    add_deadline(give, typed);
    add_order_flags(give, typed);
}

void add_reserve(CLI::App& app, TypedOptions& typed) {
    CLI::App* reserve = add_command(app, "reserve");
    add_bytes(reserve, typed);
    reserve->add_option("--for", typed.reserve_for, "The guest it is for: never more than that guest's max")
        ->option_text("GUEST");
    add_deadline(reserve, typed);
    reserve->add_option("--hold", typed.hold, "Once granted it is kept so long (default 1m)")->option_text("TIME");
    reserve->add_flag("--no-wait", typed.no_wait, "Ask and return; see ops");
}

void add_doctor(CLI::App& app, TypedOptions& typed) {
    add_command(app, "doctor")
        ->add_option("--config", typed.config, "The daemon's configuration (default: in /etc/aerostat)")
        ->option_text("FILE");
}

void add_top(CLI::App& app, TypedOptions& typed) {
    CLI::App* top = add_command(app, "top");
    top->add_flag("--once", typed.once, "Print one table and end");
    top->add_option("--interval", typed.interval, "Time between refreshes (default 1s)")->option_text("TIME");
    top->add_option("--work", typed.work_file, "Add a column from this file")->option_text("FILE");
}

void add_simulate(CLI::App& app, TypedOptions& typed) {
    CLI::App* simulate = add_command(app, "simulate");
    simulate->add_option("SCENARIO", typed.scenario, "A scenario's file")->required()->option_text(" ");
    simulate->add_option("--policies", typed.policies, "Instead of the scenario's own: price,static")->option_text("LIST");
    simulate->add_option("--svg", typed.svg, "Write plots there")->option_text("FILE");
}

CLI::App* add_kept(CLI::App& app, const std::string& name, TypedOptions& typed) {
    CLI::App* command = add_command(app, name);
    command->add_option("--since", typed.since, "Only decisions of the last TIME")->option_text("TIME");
    command
        ->add_option("--dir", typed.directory,
                     "Where they are kept (default: \"history\" beside the socket, else /var/lib/aerostat/history)")
        ->option_text("DIR");
    return command;
}

void add_history(CLI::App& app, TypedOptions& typed) {
    add_kept(app, "history", typed);
    add_kept(app, "explain", typed)
        ->add_option("WHAT", typed.what, "A time (14:05:09, 10m ago: 10m), GUEST or GUEST/JVM")
        ->option_text(" ");
    add_kept(app, "replay", typed)
        ->add_option("--policy", typed.policies, "Another policy (default: the recorded one)")
        ->option_text("NAME");
}

void add_condition(CLI::App& app, TypedOptions& typed) {
    CLI::App* condition = add_command(app, "condition");
    condition->add_flag("--watch", typed.watch, "Go on, with a line for each change");
    condition->add_option("--exec", typed.exec, "Run this in a shell now and whenever the level changes")
        ->option_text("CMD");
}

}  // namespace

void add_commands(CLI::App& app, TypedOptions& typed) {
    app.add_option("--socket", typed.socket, "The daemon's control socket")->option_text("PATH");
    app.add_flag("--json", typed.json, "Print the daemon's answer, or the error, as JSON");
    add_command(app, "status");
    add_command(app, "jvms");
    add_top(app, typed);
    add_condition(app, typed);
    add_squeeze(app, typed);
    add_give(app, typed);
    CLI::App* release = add_command(app, "release");
    add_target(release, typed, false);
    add_deadline(release, typed);
    release->add_flag("--local", typed.local, "On a guest: act although a host is in charge");
    add_reserve(app, typed);
    add_command(app, "plan");
    add_command(app, "ops");
    CLI::App* cancel = add_command(app, "cancel");
    cancel->add_option("OP", typed.op, "The operation's id, from ops")->required()->option_text(" ");
    add_on_shortfall(cancel, typed);
    add_history(app, typed);
    add_simulate(app, typed);
    add_target(add_command(app, "pause"), typed, false);
    add_target(add_command(app, "resume"), typed, false);
    add_doctor(app, typed);
}

}  // namespace aerostat::cli
