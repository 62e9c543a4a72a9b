#include "sim/rot.hpp"

namespace tally::sim {

void rot(ports::KeyValue& database, Random random, uint64_t count) {
    using ports::Map;
    static constexpr Map maps[] = {Map::values,    Map::values, Map::values,       Map::values,
                                   Map::nodes,     Map::blocks, Map::transactions, Map::bodies,
                                   Map::decisions, Map::cells};
    for (uint64_t i = 0; i < count; ++i) {
        const Map map = maps[random.below(std::size(maps))];
        std::vector<std::pair<Bytes, Bytes>> entries;
        const auto scanned = database.scan(map, {}, {}, [&](ByteView key, ByteView value) {
            entries.emplace_back(copy_of(key), copy_of(value));
            return true;
        });
        if (!scanned.ok() || entries.empty()) continue;
        auto& [key, value] = entries[random.below(entries.size())];
        ports::WriteBatch batch;
        if (random.chance(0.3)) {
            batch.erase(map, key);
        } else if (value.empty()) {
            // Another value, or what is no value at all.
            batch.put(map, key, random.chance(0.5) ? Bytes{1, 2} : Bytes{2});
        } else {
            value[random.below(value.size())] ^= uint8_t(1 + random.below(255));
            batch.put(map, key, value);
        }
        (void)database.write(batch);
    }
}

}  // namespace tally::sim
