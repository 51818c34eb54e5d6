#pragma once

#include <string>
#include <string_view>

namespace aerostat::cli {

/// The pages behind `--help`: what stands below the list of options.
struct HelpText {
    std::string_view summary;  ///< one line
    std::string_view page;     ///< meaning, result, examples
};

[[nodiscard]] HelpText program_help();
/// By command name. An unknown name gives empty texts.
[[nodiscard]] HelpText command_help(std::string_view command);

}  // namespace aerostat::cli
