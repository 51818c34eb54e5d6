#include "cli/tool.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

namespace aerostat::cli {
namespace {

std::string beside_this_program(const std::string& name) {
    std::array<char, PATH_MAX> path{};
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
    const std::string self(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    return self.substr(0, self.rfind('/') + 1) + name;
}

}  // namespace

Error run_tool(const std::string& name, const std::vector<std::string>& arguments) {
    std::vector<std::string> words{name};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    ::execv(beside_this_program(name).c_str(), pointers.data());
    if (errno == ENOENT) ::execvp(name.c_str(), pointers.data());
    if (errno != ENOENT) return error_from_errno("starting " + name, errno);
    return {ErrorCode::not_found, name + " is not installed: it comes with aerostat-hostd and belongs beside aerostatctl"};
}

}  // namespace aerostat::cli
