#pragma once

#include <termios.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/keys.h"
#include "cli/table.h"
#include "contract/clock.h"

namespace aerostat::cli {

/// How to write to this descriptor: colours and size of a terminal (NO_COLOR and TERM=dumb respected); else plain and
/// without limits.
[[nodiscard]] Look look_for(int descriptor);
[[nodiscard]] bool is_terminal(int descriptor);

/// Writes all of it. False if the descriptor does not take it (a closed pipe, a full disk).
bool write_out(int descriptor, std::string_view text);

/// The terminal in the hands of a full-screen view: alternate screen, no cursor, keys unbuffered. The destructor puts
/// everything back as it was.
class LiveScreen {
public:
    LiveScreen();
    ~LiveScreen();
    LiveScreen(const LiveScreen&) = delete;
    LiveScreen& operator=(const LiveScreen&) = delete;

    /// Replaces what is shown.
    void draw(const std::string& text);
    /// Gives the terminal back while the process is stopped (Ctrl-Z), and takes it again.
    void leave();
    void enter();

private:
    std::optional<termios> before_;  ///< the keyboard's settings, if there is a keyboard
};

/// What can wake a live view.
enum class ScreenEvent { tick, quit, resized, stop, key };

/// Keys and signals as events. While it lives SIGINT, SIGTERM, SIGHUP, SIGWINCH and SIGTSTP do nothing else.
/// Thread: the only one of the process.
class ScreenEvents {
public:
    ScreenEvents();
    ~ScreenEvents();
    ScreenEvents(const ScreenEvents&) = delete;
    ScreenEvents& operator=(const ScreenEvents&) = delete;

    /// Waits for the next event, at most until the time is over (`tick`).
    [[nodiscard]] ScreenEvent wait(Duration at_most);
    /// After `key`: what was pressed, the oldest first.
    [[nodiscard]] std::vector<Key> take_keys() { return std::exchange(keys_, {}); }

private:
    [[nodiscard]] std::optional<ScreenEvent> read_signal();
    [[nodiscard]] std::optional<ScreenEvent> read_keys();

    int signals_ = -1;
    bool keys_open_ = true;  ///< false once the keyboard is gone
    std::vector<Key> keys_;
};

}  // namespace aerostat::cli
