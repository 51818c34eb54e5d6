#pragma once

#include <cstdlib>

// A property that must hold for every input; libFuzzer reports the input that breaks it.
#define FUZZ_CHECK(condition)           \
    do {                                \
        if (!(condition)) std::abort(); \
    } while (false)
