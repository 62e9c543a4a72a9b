// MemoryDisk: a disk that forgets, for a journal in memory.
#pragma once

#include <map>
#include <vector>

#include "ports/disk.hpp"

namespace tally::bench {

/// The newest two segments of a journal, and no promise but that they are there.
class MemoryDisk final : public ports::Disk {
public:
    Result<std::vector<std::string>> list() const override {
        std::vector<std::string> names;
        for (const auto& [name, file] : files_) names.push_back(name);
        return names;
    }
    Result<Bytes> read(const std::string& name, uint64_t, size_t) const override {
        return fail(ports::DiskError::not_found, name);
    }
    Result<uint64_t> size(const std::string& name) const override {
        const auto found = files_.find(name);
        if (found == files_.end()) return fail(ports::DiskError::not_found, name);
        return found->second.size;
    }
    void append(const std::string& name, Bytes bytes) override {
        File& file = files_[name];
        file.size += bytes.size();
        file.pieces.push_back(std::move(bytes));
        while (files_.size() > 2) files_.erase(files_.begin());
    }
    uint64_t sync() override { return ++asked_; }
    Result<void> truncate(const std::string&, uint64_t) override { return success(); }
    Result<void> remove(const std::string& name) override {
        files_.erase(name);
        return success();
    }

private:
    struct File {
        uint64_t size = 0;
        std::vector<Bytes> pieces;
    };
    std::map<std::string, File> files_;
    uint64_t asked_ = 0;
};

}  // namespace tally::bench
