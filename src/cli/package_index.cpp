#include "cli/package_index.hpp"

#include <charconv>
#include <utility>

#include "base/bytes.hpp"

namespace tally::cli {
namespace {

std::string_view trimmed(std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

/// Calls `each` for every part between separators, trimmed, empty ones left out.
template <class Each>
void for_parts(std::string_view text, char separator, const Each& each) {
    while (!text.empty()) {
        const size_t at = std::min(text.find(separator), text.size());
        const std::string_view part = trimmed(text.substr(0, at));
        if (!part.empty()) each(part);
        text.remove_prefix(std::min(at + 1, text.size()));
    }
}

/// "libc6:any (>= 2.34)".
PackageDependency alternative_of(std::string_view text) {
    PackageDependency dependency;
    const size_t open = text.find('(');
    std::string_view name = trimmed(text.substr(0, open));
    if (const size_t colon = name.find(':'); colon != name.npos) name = name.substr(0, colon);
    dependency.name = name;
    if (open == text.npos) return dependency;
    std::string_view inside = text.substr(open + 1);
    inside = trimmed(inside.substr(0, inside.find(')')));
    const size_t end = std::min(inside.find_first_not_of("<>="), inside.size());
    dependency.relation = inside.substr(0, end);
    dependency.version = trimmed(inside.substr(end));
    return dependency;
}

void add_dependencies(PackageRecord& record, std::string_view kind, std::string_view text) {
    uint32_t group = record.dependencies.empty() ? 0 : record.dependencies.back().group + 1;
    for_parts(text, ',', [&](std::string_view choices) {
        uint32_t alternative = 0;
        for_parts(choices, '|', [&](std::string_view one) {
            auto dependency = alternative_of(one);
            dependency.kind = kind;
            dependency.group = group;
            dependency.alternative = alternative++;
            record.dependencies.push_back(std::move(dependency));
        });
        ++group;
    });
}

/// A field's name as the format allows it: printable, without spaces and colons.
bool is_field_name(std::string_view name) {
    for (const char c : name) {
        if (c <= ' ' || c > '~') return false;
    }
    return !name.empty();
}

std::string missing_in(const PackageRecord& record) {
    std::string missing;
    const auto check = [&](const char* name, const std::string& value) {
        if (value.empty()) missing += (missing.empty() ? "" : ", ") + std::string(name);
    };
    check("Package", record.name);
    check("Version", record.version);
    check("Architecture", record.architecture);
    check("Maintainer", record.maintainer);
    check("SHA256", record.sha256);
    return missing;
}

}  // namespace

ErrorText describe(PackagesError error) {
    switch (error) {
    case PackagesError::bad_stanza:
        return {"bad_stanza", "the package index has a record that is not usable",
                "Obtain the index again, or mend the record"};
    case PackagesError::no_index:
        return {"no_index", "the file is no package index",
                "Give a Packages file in Debian's format, as it is or as .gz, .xz or .lz4"};
    }
    std::abort();
}

void PackageParser::fault(std::string what) {
    if (!stanza_.fault) stanza_.fault = fail(PackagesError::bad_stanza, std::move(what));
}

void PackageParser::on_field(std::string_view name, std::string_view value) {
    PackageRecord& record = stanza_.record;
    if (name == "Package") {
        record.name = value;
    } else if (name == "Version") {
        record.version = value;
    } else if (name == "Architecture") {
        record.architecture = value;
    } else if (name == "Maintainer") {
        record.maintainer = value;
    } else if (name == "SHA256") {
        const auto bytes = from_hex(value);
        if (!bytes.ok() || bytes->size() != 32) fault("line " + std::to_string(line_) + ": SHA256");
        record.sha256 = value;
    } else if (name == "Size") {
        const auto [end, error] =
            std::from_chars(value.data(), value.data() + value.size(), record.size);
        if (error != std::errc{} || end != value.data() + value.size())
            fault("line " + std::to_string(line_) + ": Size");
    } else if (name == "Depends" || name == "Pre-Depends") {
        list_name_ = name;
        list_ = value;
    }
}

void PackageParser::finish_list() {
    if (list_name_.empty()) return;
    add_dependencies(stanza_.record, list_name_, list_);
    if (stanza_.record.dependencies.size() > dependencies_per_package_max) {
        fault("line " + std::to_string(line_) + ": over " +
              std::to_string(dependencies_per_package_max) + " dependencies");
        stanza_.record.dependencies.clear();
    }
    list_name_.clear();
    list_.clear();
}

std::optional<PackageStanza> PackageParser::on_line(std::string_view text) {
    ++line_;
    const std::string_view content = trimmed(text);
    if (content.empty()) return finish();
    if (!std::exchange(in_stanza_, true)) stanza_.line = line_;
    if (text.front() == ' ' || text.front() == '\t') {
        if (!list_name_.empty() && list_.size() < text_line_bytes_max) (list_ += ' ') += content;
        return {};
    }
    finish_list();
    const size_t colon = text.find(':');
    if (colon == text.npos || !is_field_name(text.substr(0, colon))) {
        fault("line " + std::to_string(line_) + " is no 'Field: value'");
        return {};
    }
    on_field(text.substr(0, colon), trimmed(text.substr(colon + 1)));
    return {};
}

std::optional<PackageStanza> PackageParser::on_end() {
    return finish();
}

std::optional<PackageStanza> PackageParser::finish() {
    if (!std::exchange(in_stanza_, false)) return {};
    finish_list();
    if (const std::string missing = missing_in(stanza_.record); !missing.empty())
        fault("the record that begins in line " + std::to_string(stanza_.line) + " (package '" +
              stanza_.record.name + "') lacks " + missing);
    return std::exchange(stanza_, {});
}

Result<PackageIndex> PackageIndex::open(const std::string& path) {
    TRY(file, TextFile::open(path));
    return PackageIndex(path, std::move(file));
}

Result<std::optional<PackageStanza>> PackageIndex::next() {
    TRY(stanza, read_next());
    const bool is_first = std::exchange(is_first_, false);
    if (!is_first) return stanza;
    if (!stanza) return fail(PackagesError::no_index, path_ + " is empty");
    if (stanza->record.name.empty())
        return fail(PackagesError::no_index, path_ + ": " + stanza->fault->detail);
    return stanza;
}

Result<std::optional<PackageStanza>> PackageIndex::read_next() {
    while (!ended_) {
        TRY(line, file_.line());
        ended_ = !line;
        auto stanza = line ? parser_.on_line(*line) : parser_.on_end();
        if (stanza) return stanza;
    }
    return std::optional<PackageStanza>{};
}

}  // namespace tally::cli
