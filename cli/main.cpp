#include <exception>
#include <iostream>

#include "cli/exit_code.h"
#include "cli/run.h"

int main(int argc, char** argv) {
    try {
        return aerostat::cli::run(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& error) {  // out of memory, or a broken invariant of a library
        std::cerr << "aerostatctl: internal error: " << error.what() << "\n";
        return aerostat::cli::kExitError;
    }
}
