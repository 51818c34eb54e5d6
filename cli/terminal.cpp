#include "cli/terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

namespace aerostat::cli {
namespace {

constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";

sigset_t watched_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP}) sigaddset(&set, number);
    return set;
}

bool wants_colour() {
    const char* no_colour = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    return !(no_colour && *no_colour) && term && std::string_view(term) != "dumb";
}

}  // namespace

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

Look look_for(int descriptor) {
    Look look;
    if (!is_terminal(descriptor)) return look;
    look.colour = wants_colour();
    look.width = 80;
    look.height = 24;
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        look.width = size.ws_col;
        look.height = size.ws_row;
    }
    return look;
}

bool write_out(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

LiveScreen::LiveScreen() {
    termios now{};
    if (is_terminal(STDIN_FILENO) && ::tcgetattr(STDIN_FILENO, &now) == 0) before_ = now;
    enter();
}

LiveScreen::~LiveScreen() { leave(); }

void LiveScreen::enter() {
    if (before_) {
        termios unbuffered = *before_;
        unbuffered.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &unbuffered);
    }
    write_out(STDOUT_FILENO, kEnter);
}

void LiveScreen::leave() {
    write_out(STDOUT_FILENO, kLeave);
    if (before_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &*before_);
}

void LiveScreen::draw(const std::string& text) {
    std::string frame = "\x1b[H";
    for (const char c : text) frame += c == '\n' ? "\x1b[K\n" : std::string(1, c);
    write_out(STDOUT_FILENO, frame + "\x1b[K\x1b[J");
}

ScreenEvents::ScreenEvents() {
    const sigset_t watched = watched_signals();
    ::sigprocmask(SIG_BLOCK, &watched, nullptr);
    signals_ = ::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    keys_open_ = is_terminal(STDIN_FILENO);
}

ScreenEvents::~ScreenEvents() {
    if (signals_ >= 0) ::close(signals_);
    const sigset_t watched = watched_signals();
    ::sigprocmask(SIG_UNBLOCK, &watched, nullptr);
}

std::optional<ScreenEvent> ScreenEvents::read_signal() {
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
    if (info.ssi_signo == SIGWINCH) return ScreenEvent::resized;
    return info.ssi_signo == SIGTSTP ? ScreenEvent::stop : ScreenEvent::quit;
}

std::optional<ScreenEvent> ScreenEvents::read_keys() {
    std::array<char, 256> typed{};
    const ssize_t got = ::read(STDIN_FILENO, typed.data(), typed.size());
    if (got <= 0) keys_open_ = false;
    keys_ = keys_in(std::string_view(typed.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))));
    if (std::find(keys_.begin(), keys_.end(), Key::quit) != keys_.end()) return ScreenEvent::quit;
    return keys_.empty() ? std::nullopt : std::optional(ScreenEvent::key);
}

ScreenEvent ScreenEvents::wait(Duration at_most) {
    const SystemClock clock;
    const TimePoint until = clock.now() + at_most;
    for (;;) {
        const Millis left = to_millis(until - clock.now());
        if (left.count() <= 0) return ScreenEvent::tick;
        std::array<pollfd, 2> waited{{{signals_, POLLIN, 0}, {keys_open_ ? STDIN_FILENO : -1, POLLIN, 0}}};
        const int ready =
            ::poll(waited.data(), waited.size(), static_cast<int>(std::min<std::int64_t>(left.count() + 1, 1'000'000)));
        if (ready < 0 && errno != EINTR) return ScreenEvent::quit;
        if (ready <= 0) continue;
        if (waited[0].revents != 0) {
            if (const auto event = read_signal()) return *event;
        }
        if (waited[1].revents != 0) {
            if (const auto event = read_keys()) return *event;
        }
    }
}

}  // namespace aerostat::cli
