// Files full of anything: recovery must end in an error, or in records that a second recovery
// gives back alike.
#include <map>

#include "store/journal.hpp"

namespace tally::store {
namespace {

/// Files in memory, always durable.
class MemoryDisk : public ports::Disk {
public:
    std::map<std::string, Bytes> files;

    Result<std::vector<std::string>> list() const override {
        std::vector<std::string> names;
        for (const auto& file : files) names.push_back(file.first);
        return names;
    }
    Result<Bytes> read(const std::string& name, uint64_t offset, size_t length_max) const override {
        const ByteView bytes = files.at(name);
        if (offset >= bytes.size()) return Bytes{};
        const ByteView rest = bytes.subspan(size_t(offset));
        return copy_of(rest.first(std::min(rest.size(), length_max)));
    }
    Result<uint64_t> size(const std::string& name) const override { return files.at(name).size(); }
    void append(const std::string& name, Bytes bytes) override {
        tally::append(files[name], bytes);
    }
    uint64_t sync() override { return ++asked_; }
    Result<void> truncate(const std::string& name, uint64_t size) override {
        files.at(name).resize(size_t(size));
        return success();
    }
    Result<void> remove(const std::string& name) override {
        files.erase(name);
        return success();
    }

private:
    uint64_t asked_ = 0;
};

const JournalIdentity identity{{{1}}, {0}, {{2}}};

/// Recovers, and appends one record more. Nothing if the journal is refused.
std::optional<size_t> count_records(MemoryDisk& disk) {
    size_t count = 0;
    auto journal =
        Journal::open(disk, identity, [&](uint8_t, ByteView, const JournalPosition&) { ++count; });
    if (!journal.ok()) return std::nullopt;
    const JournalPosition position = (*journal)->append(1, Bytes{7});
    ENSURE(*(*journal)->read(position) == Bytes{7});
    return count;
}

}  // namespace
}  // namespace tally::store

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tally;
    using namespace tally::store;
    if (size == 0) return 0;
    const ByteView bytes(data + 1, size - 1);
    MemoryDisk disk;
    // The first byte says how much is given for free, as a checksum cannot be guessed.
    if (data[0] & 1) (void)count_records(disk);
    Bytes& file = disk.files["journal-000001"];
    if (data[0] & 2) {
        // Whole records, of the kinds and lengths that the input says.
        Checksum last{};
        if (file.size() >= last.size()) std::copy_n(file.end() - 8, 8, last.begin());
        for (ByteView rest = bytes; rest.size() >= 2;) {
            const size_t length = std::min<size_t>(rest[1], rest.size() - 2);
            const Bytes record = encode_record(rest[0], rest.subspan(2, length), last);
            std::copy_n(record.end() - 8, 8, last.begin());
            append(file, record);
            rest = rest.subspan(2 + length);
        }
    } else {
        append(file, bytes);
    }
    if (data[0] & 4) disk.files["journal-000002"] = copy_of(bytes);
    const auto first = count_records(disk);
    if (!first) return 0;
    const auto second = count_records(disk);
    ENSURE(second && *second == *first + 1);
    return 0;
}
