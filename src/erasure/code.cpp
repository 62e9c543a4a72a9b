#include "erasure/code.hpp"

#include <isa-l/erasure_code.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/ensure.hpp"

namespace tally::erasure {
namespace {

constexpr size_t table_bytes = 32;  ///< of ISA-L, for each coefficient
constexpr size_t cell_bytes_step = 64;
/// So much of every cell at once: the data of a batch is read once for each few rows of parity, and
/// should still be near then.
constexpr size_t slice_bytes = 1024;

/// 1 / (row ⊕ column), row ≥ K > column.
uint8_t coefficient(uint32_t row, uint32_t column) {
    return gf_inv(uint8_t(row ^ column));
}

/// Rows × columns coefficients as ISA-L wants them.
Bytes tables_of(Bytes matrix, size_t rows, size_t columns) {
    Bytes tables(rows * columns * table_bytes);
    ec_init_tables(int(columns), int(rows), matrix.data(), tables.data());
    return tables;
}

/// output[r] = sum over the inputs of their coefficient in row r. ISA-L changes none of what it is
/// given to read, though it does not say so in its types.
void multiply(const Bytes& tables, std::span<const uint8_t* const> inputs,
              std::span<uint8_t* const> outputs, size_t cell_bytes) {
    std::vector<uint8_t*> from(inputs.size());
    std::vector<uint8_t*> to(outputs.size());
    auto* const coefficients = const_cast<uint8_t*>(tables.data());
    for (size_t at = 0; at < cell_bytes; at += slice_bytes) {
        for (size_t i = 0; i < from.size(); ++i) from[i] = const_cast<uint8_t*>(inputs[i]) + at;
        for (size_t i = 0; i < to.size(); ++i) to[i] = outputs[i] + at;
        ec_encode_data(int(std::min(slice_bytes, cell_bytes - at)), int(from.size()),
                       int(to.size()), coefficients, from.data(), to.data());
    }
}

/// Requires a whole number of `cell_bytes_step`. Eight bytes at a time: compilers leave single ones
/// as they are.
void add_to(uint8_t* sum, const uint8_t* cell, size_t cell_bytes) {
    for (size_t at = 0; at < cell_bytes; at += sizeof(uint64_t)) {
        uint64_t left = 0;
        uint64_t right = 0;
        std::memcpy(&left, sum + at, sizeof left);
        std::memcpy(&right, cell + at, sizeof right);
        left ^= right;
        std::memcpy(sum + at, &left, sizeof left);
    }
}

/// The inverse of the matrix 1 / (x[i] ⊕ y[j]), row by row: entry (i, j) is
/// ∏k (x[j] ⊕ y[k]) (x[k] ⊕ y[i]) / ((x[j] ⊕ y[i]) ∏k≠j (x[j] ⊕ x[k]) ∏k≠i (y[i] ⊕ y[k]))
/// (Schechter, "On the Inversion of Certain Matrices", 1959; signs are all one in GF(2^8)).
Bytes cauchy_inverse(const std::vector<uint32_t>& x, const std::vector<uint32_t>& y) {
    const size_t size = x.size();
    // By row of the inverse, a y; by column, an x.
    Bytes of_row(size, 1);
    Bytes of_column(size, 1);
    for (size_t i = 0; i < size; ++i) {
        uint8_t below_row = 1;
        uint8_t below_column = 1;
        for (size_t k = 0; k < size; ++k) {
            of_row[i] = gf_mul(of_row[i], uint8_t(x[k] ^ y[i]));
            of_column[i] = gf_mul(of_column[i], uint8_t(x[i] ^ y[k]));
            if (k == i) continue;
            below_row = gf_mul(below_row, uint8_t(y[i] ^ y[k]));
            below_column = gf_mul(below_column, uint8_t(x[i] ^ x[k]));
        }
        of_row[i] = gf_mul(of_row[i], gf_inv(below_row));
        of_column[i] = gf_mul(of_column[i], gf_inv(below_column));
    }
    Bytes inverse(size * size);
    for (size_t i = 0; i < size; ++i) {
        for (size_t j = 0; j < size; ++j)
            inverse[i * size + j] =
                gf_mul(gf_mul(of_row[i], of_column[j]), gf_inv(uint8_t(x[j] ^ y[i])));
    }
    return inverse;
}

}  // namespace

Code::Code(uint32_t data_cells, uint32_t cells) : data_cells_(data_cells), cells_(cells) {
    ENSURE(data_cells >= 1 && data_cells <= cells && cells <= cells_max);
    const size_t rows = cells - data_cells;
    if (rows == 0) return;
    Bytes matrix(rows * data_cells);
    for (uint32_t row = 0; row < rows; ++row) {
        for (uint32_t column = 0; column < data_cells; ++column)
            matrix[row * data_cells + column] = coefficient(data_cells + row, column);
    }
    tables_ = tables_of(std::move(matrix), rows, data_cells);
}

void Code::encode(std::span<uint8_t> cells) const {
    ENSURE(!cells.empty() && cells.size() % (cells_ * cell_bytes_step) == 0);
    const size_t cell_bytes = cells.size() / cells_;
    const size_t rows = cells_ - data_cells_;
    if (rows == 0) return;
    std::vector<const uint8_t*> inputs(data_cells_);
    std::vector<uint8_t*> outputs(rows);
    for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = cells.data() + i * cell_bytes;
    for (size_t i = 0; i < rows; ++i) outputs[i] = cells.data() + (data_cells_ + i) * cell_bytes;
    multiply(tables_, inputs, outputs, cell_bytes);
}

/// Each parity cell, less what the known data adds to it, is a sum over the missing data alone: as
/// many equations as there are unknowns, with a Cauchy matrix.
Bytes Code::data_of(std::span<const uint8_t* const> cells, size_t cell_bytes) const {
    ENSURE(cells.size() == cells_ && cell_bytes > 0 && cell_bytes % cell_bytes_step == 0);
    Bytes data(data_cells_ * cell_bytes);
    std::vector<uint32_t> known;
    std::vector<uint32_t> missing;
    for (uint32_t i = 0; i < data_cells_; ++i) {
        (cells[i] == nullptr ? missing : known).push_back(i);
        if (cells[i] != nullptr) std::copy_n(cells[i], cell_bytes, data.data() + i * cell_bytes);
    }
    if (missing.empty()) return data;
    std::vector<uint32_t> rows;
    for (uint32_t i = data_cells_; i < cells_ && rows.size() < missing.size(); ++i) {
        if (cells[i] != nullptr) rows.push_back(i);
    }
    ENSURE(rows.size() == missing.size());

    const size_t unknowns = missing.size();
    Bytes sums(unknowns * cell_bytes);
    std::vector<uint8_t*> outputs(unknowns);
    for (size_t i = 0; i < unknowns; ++i) outputs[i] = sums.data() + i * cell_bytes;
    if (!known.empty()) {
        Bytes matrix;
        for (const uint32_t row : rows) {
            for (const uint32_t column : known) matrix.push_back(coefficient(row, column));
        }
        std::vector<const uint8_t*> inputs;
        inputs.reserve(known.size());
        for (const uint32_t i : known) inputs.push_back(cells[i]);
        multiply(tables_of(std::move(matrix), unknowns, known.size()), inputs, outputs, cell_bytes);
    }
    for (size_t i = 0; i < unknowns; ++i) {
        add_to(outputs[i], cells[rows[i]], cell_bytes);
    }
    const std::vector<const uint8_t*> inputs(outputs.begin(), outputs.end());
    for (size_t i = 0; i < unknowns; ++i) outputs[i] = data.data() + missing[i] * cell_bytes;
    multiply(tables_of(cauchy_inverse(rows, missing), unknowns, unknowns), inputs, outputs,
             cell_bytes);
    return data;
}

}  // namespace tally::erasure
