// WorkFolder: where a demonstration or benchmark keeps its files: a folder that the user names and
// keeps, or a temporary one that is removed at the end.
#pragma once

#include <string>

#include "base/result.hpp"

namespace tally::cli {

class WorkFolder {
public:
    /// `given` may be empty: then a new temporary folder whose name starts with `name`.
    [[nodiscard]] static Result<WorkFolder> make(const std::string& given, const std::string& name);
    WorkFolder(WorkFolder&& other) noexcept
        : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, false)) {}
    WorkFolder(const WorkFolder&) = delete;
    WorkFolder& operator=(const WorkFolder&) = delete;
    ~WorkFolder();

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] bool temporary() const { return temporary_; }
    /// It stays after all.
    void keep() { temporary_ = false; }

private:
    WorkFolder(std::string path, bool temporary) : path_(std::move(path)), temporary_(temporary) {}
    std::string path_;
    bool temporary_;
};

}  // namespace tally::cli
