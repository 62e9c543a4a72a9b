#include "io/rocks_log.hpp"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <mutex>

namespace tally::io {
namespace {

class DatabaseLog : public rocksdb::Logger {
public:
    DatabaseLog(const std::string& path, size_t bytes_max)
        : Logger(rocksdb::WARN_LEVEL), file_(std::fopen(path.c_str(), "a")), left_(bytes_max) {}

    using Logger::Logv;
    void Logv(const char* format, va_list values) override {
        std::array<char, 1'024> text{};
        const int length = std::vsnprintf(text.data(), text.size(), format, values);
        if (length <= 0) return;
        std::array<char, 32> time{};
        const std::time_t now = std::time(nullptr);
        std::tm utc{};
        if (gmtime_r(&now, &utc) == nullptr) return;
        std::strftime(time.data(), time.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
        const std::lock_guard lock(mutex_);
        const size_t bytes = size_t(length) + time.size();
        if (file_ == nullptr || bytes > left_) return;
        left_ -= bytes;
        (void)std::fprintf(file_.get(), "%s %s\n", time.data(), text.data());
        (void)std::fflush(file_.get());
    }
    /// All its options, at each start: they are in the file OPTIONS, too.
    void LogHeader(const char* /*format*/, va_list /*values*/) override {}

private:
    struct Close {
        void operator()(std::FILE* file) const { (void)std::fclose(file); }
    };
    std::mutex mutex_;
    const std::unique_ptr<std::FILE, Close> file_;
    size_t left_;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> database_log(const std::string& folder, size_t bytes_max) {
    const std::string path = folder + "/LOG";
    std::error_code none;
    std::filesystem::rename(path, path + ".old", none);
    return std::make_shared<DatabaseLog>(path, bytes_max);
}

}  // namespace tally::io
