#include "cli/folders.hpp"

#include <cstdlib>
#include <filesystem>

#include "cli/output.hpp"

namespace tally::cli {

Result<WorkFolder> WorkFolder::make(const std::string& given, const std::string& name) {
    if (!given.empty()) return WorkFolder(given, false);
    std::string path = (std::filesystem::temp_directory_path() / (name + "-XXXXXX")).string();
    if (::mkdtemp(path.data()) == nullptr) return fail(FileError::unwritable, path);
    return WorkFolder(path, true);
}

WorkFolder::~WorkFolder() {
    std::error_code failed;
    if (temporary_) std::filesystem::remove_all(path_, failed);
}

}  // namespace tally::cli
