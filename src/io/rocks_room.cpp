#include "io/rocks_room.hpp"

#include <filesystem>

namespace tally::io {
namespace {

class FileSystemWithRoom : public rocksdb::FileSystemWrapper {
public:
    FileSystemWithRoom(const std::shared_ptr<rocksdb::FileSystem>& below, uint64_t room_bytes_min)
        : FileSystemWrapper(below), room_bytes_min_(room_bytes_min) {}

    const char* Name() const override { return "tally.with_room"; }

    rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override {
        std::error_code failed;
        const auto space =
            std::filesystem::space(std::filesystem::path(name).parent_path(), failed);
        if (!failed && space.available < room_bytes_min_)
            return rocksdb::IOStatus::NoSpace(
                "of the " + std::to_string(room_bytes_min_ >> 20) + " MiB for another file " +
                    std::to_string(space.available >> 20) + " are left",
                name);
        return target()->NewWritableFile(name, options, file, debug);
    }

private:
    uint64_t room_bytes_min_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> file_system_with_room(
    const std::shared_ptr<rocksdb::FileSystem>& below, uint64_t room_bytes_min) {
    return std::make_shared<FileSystemWithRoom>(below, room_bytes_min);
}

}  // namespace tally::io
