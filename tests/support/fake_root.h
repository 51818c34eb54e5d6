#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace aerostat::testing {

/// A folder that stands before /proc and /sys; gone at the end.
class FakeRoot {
public:
    FakeRoot() {
        std::string pattern = (std::filesystem::temp_directory_path() / "aerostat-root-XXXXXX").string();
        path = ::mkdtemp(pattern.data());
    }
    ~FakeRoot() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    FakeRoot(const FakeRoot&) = delete;
    FakeRoot& operator=(const FakeRoot&) = delete;

    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path(path + name).parent_path());
        std::ofstream(path + name) << text;
    }
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream file(path + name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void remove(const std::string& name) const { std::filesystem::remove_all(path + name); }

    std::string path;
};

}  // namespace aerostat::testing
