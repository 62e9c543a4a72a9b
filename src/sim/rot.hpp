// Bit rot: a database whose entries are not what was written.
#pragma once

#include "ports/key_value.hpp"
#include "sim/random.hpp"

namespace tally::sim {

/// Entries of the database are altered or vanish. Where each ledger stands is left alone: it is
/// only read at a start.
void rot(ports::KeyValue& database, Random random, uint64_t count);

}  // namespace tally::sim
