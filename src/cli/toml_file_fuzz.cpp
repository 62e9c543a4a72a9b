// Whatever a file holds, it is TOML or a mistake in words: the parser never ends the program.
#include <cstdint>

#include "cli/toml_file.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto table = cli::parse_toml(text, "a file");
    if (!table.ok()) {
        ENSURE(table.error().is(cli::TomlError::not_toml));
        ENSURE(!table.error().detail.empty());
        return 0;
    }
    for (const char* key : {"name", "a"}) {
        const auto number = cli::number_of_key_or(*table, key, "it", {1, 9}, 5);
        ENSURE(!number.ok() || (*number >= 1 && *number <= 9));
        const auto value = cli::text_of_key(*table, key, "it");
        ENSURE(!value.ok() || !value->empty());
    }
    return 0;
}
