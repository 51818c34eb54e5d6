#include "cli/keys.h"

#include <algorithm>
#include <array>

namespace aerostat::cli {
namespace {

struct Sequence {
    std::string_view text;
    Key key;
};
constexpr std::array kSequences{
    Sequence{"\x1b[A", Key::up},   Sequence{"\x1b[B", Key::down},     Sequence{"\x1bOA", Key::up},
    Sequence{"\x1bOB", Key::down}, Sequence{"\x1b[5~", Key::page_up}, Sequence{"\x1b[6~", Key::page_down},
    Sequence{"\x1b[H", Key::home}, Sequence{"\x1b[F", Key::end},      Sequence{"\x1bOH", Key::home},
    Sequence{"\x1bOF", Key::end},  Sequence{"\x1b[1~", Key::home},    Sequence{"\x1b[4~", Key::end},
    Sequence{"q", Key::quit},      Sequence{"Q", Key::quit},          Sequence{"k", Key::up},
    Sequence{"j", Key::down},      Sequence{" ", Key::page_down},     Sequence{"b", Key::page_up},
    Sequence{"g", Key::home},      Sequence{"G", Key::end},
};

// An escape sequence that is not ours, whole: its letters are no keys.
std::size_t length_of_unknown(std::string_view typed) {
    if (typed.size() < 2 || typed[0] != '\x1b' || (typed[1] != '[' && typed[1] != 'O')) return 1;
    const auto end = std::find_if(typed.begin() + 2, typed.end(), [](char c) { return c >= '@' && c <= '~'; });
    return std::min<std::size_t>(typed.size(), static_cast<std::size_t>(end - typed.begin()) + 1);
}

}  // namespace

std::vector<Key> keys_in(std::string_view typed) {
    std::vector<Key> keys;
    while (!typed.empty()) {
        const auto known = std::find_if(kSequences.begin(), kSequences.end(),
                                        [&](const Sequence& one) { return typed.starts_with(one.text); });
        if (known != kSequences.end()) keys.push_back(known->key);
        typed.remove_prefix(known != kSequences.end() ? known->text.size() : length_of_unknown(typed));
    }
    return keys;
}

std::optional<TopMove> move_of(Key key) {
    switch (key) {
        case Key::quit:
            return std::nullopt;
        case Key::up:
            return TopMove::line_up;
        case Key::down:
            return TopMove::line_down;
        case Key::page_up:
            return TopMove::page_up;
        case Key::page_down:
            return TopMove::page_down;
        case Key::home:
            return TopMove::first;
        case Key::end:
            return TopMove::last;
    }
    return std::nullopt;
}

}  // namespace aerostat::cli
