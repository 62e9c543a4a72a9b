// A folder for one test, gone with its name.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/ensure.hpp"

namespace tally::io {

class TestFolder {
public:
    TestFolder() {
        // In memory where there is such a place: these tests wait for many syncs.
        const std::string memory = "/dev/shm";
        const std::filesystem::path parent = access(memory.c_str(), W_OK) == 0
                                                 ? std::filesystem::path(memory)
                                                 : std::filesystem::temp_directory_path();
        std::string name = parent / "tally-test-XXXXXX";
        ENSURE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TestFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;

    [[nodiscard]] std::string at(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

}  // namespace tally::io
