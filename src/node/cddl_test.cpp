// docs/tally.cddl says exactly what the types of the code encode: every bound, width and order.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "ledger/snapshot.hpp"
#include "ledger/state_witness.hpp"
#include "model/records.hpp"
#include "tree/witness.hpp"

namespace tally::node {
namespace {

using namespace model;

// --- what a type encodes ---

template <class T>
struct Shape;
template <class T>
std::string shape() {
    return Shape<T>::text();
}
template <std::unsigned_integral Int>
struct Shape<Int> {
    static std::string text() {
        return sizeof(Int) == 8 ? "uint" : "uint .size " + std::to_string(sizeof(Int));
    }
};
template <>
struct Shape<bool> {
    static std::string text() { return "bool"; }
};
template <class Tag, class Int>
struct Shape<Ordinal<Tag, Int>> : Shape<Int> {};
template <cbor::ClosedEnum E>
struct Shape<E> {
    static std::string text() { return "0.." + std::to_string(uint64_t(last_of(E{}))); }
};
template <size_t N>
struct Shape<std::array<uint8_t, N>> {
    static std::string text() { return "bstr .size " + std::to_string(N); }
};
template <>
struct Shape<Hash> : Shape<std::array<uint8_t, 32>> {};
template <size_t Max>
struct Shape<cbor::Blob<Max>> {
    static std::string text() { return "bstr .size 0.." + std::to_string(Max); }
};
template <size_t Max>
struct Shape<cbor::Text<Max>> {
    static std::string text() { return "tstr .size 0.." + std::to_string(Max); }
};
template <class T, size_t Max>
struct Shape<cbor::List<T, Max>> {
    static std::string text() { return "[0*" + std::to_string(Max) + " " + shape<T>() + "]"; }
};
template <class T>
struct Shape<std::optional<T>> {
    static std::string text() { return shape<T>() + " / null"; }
};
template <class... Ts>
struct Shape<std::variant<Ts...>> {
    static std::string text() {
        std::string out;
        size_t index = 0;
        ((out += (index ? " / [" : "[") + std::to_string(index) + ", " + shape<Ts>() + "]",
          ++index),
         ...);
        return out;
    }
};
template <cbor::Struct T>
struct Shape<T> {
    static std::string text() {
        std::string out;
        std::apply(
            [&](auto... member) {
                ((out += (out.empty() ? "" : ", ") +
                         shape<std::remove_cvref_t<decltype(std::declval<T&>().*member)>>()),
                 ...);
            },
            T::fields());
        return "[" + out + "]";
    }
};

// --- what the document says, its rules put in place of their names ---

class Document {
public:
    explicit Document(const std::string& path) {
        std::ifstream file(path);
        EXPECT_TRUE(file.good()) << path;
        std::string line, rule;
        while (std::getline(file, line)) {
            line = line.substr(0, line.find(';'));
            const bool starts =
                !line.empty() && line.find(" = ") != std::string::npos && line.front() != ' ';
            if (starts) rule = line.substr(0, line.find(" = "));
            if (starts) line = line.substr(line.find(" = ") + 3);
            if (line.size() > 1 && line.substr(line.size() - 2) == " =") {
                rule = line.substr(0, line.size() - 2);
                line.clear();
            }
            rules_[rule] += " " + line;
        }
    }
    std::string expand(const std::string& rule) {
        const auto found = rules_.find(rule);
        if (found == rules_.end()) {
            ADD_FAILURE() << "the document has no rule " << rule;
            return {};
        }
        used_.insert(*found);
        std::istringstream saved = std::move(in_);
        in_ = std::istringstream(spaced(found->second));
        std::string out, word;
        while (in_ >> word) add(out, word);
        in_ = std::move(saved);
        return out;
    }
    [[nodiscard]] std::vector<std::string> unused() const {
        std::vector<std::string> out;
        for (const auto& [rule, text] : rules_) {
            if (!rule.empty() && !used_.contains(rule)) out.push_back(rule);
        }
        return out;
    }

private:
    static std::string spaced(const std::string& text) {
        std::string out;
        for (const char c : text) {
            if (c == '[' || c == ']' || c == ',')
                out += std::string(" ") + c + " ";
            else if (c != '(' && c != ')')
                out += c;
        }
        return out;
    }
    void add(std::string& out, const std::string& word) {
        if (word.back() == ':') return;  // A field's name.
        const bool plain = word == "uint" || word == "bstr" || word == "tstr" || word == "bool" ||
                           word == "null" || word == "any" || !isalpha(word.front());
        const std::string text = plain ? word : expand(word);
        const bool joins = out.empty() || out.back() == '[' || text == "]" || text == ",";
        out += (joins ? "" : " ") + text;
    }
    std::map<std::string, std::string> rules_, used_;
    std::istringstream in_;
};

TEST(Cddl, the_document_says_what_the_types_encode) {
    Document document(TALLY_SOURCE_DIR "/docs/tally.cddl");
    EXPECT_EQ(document.expand("charter"), shape<Charter>());
    EXPECT_EQ(document.expand("signed-recovery-statement"), shape<SignedRecoveryStatement>());
    EXPECT_EQ(document.expand("message"), shape<Message>());
    EXPECT_EQ(document.expand("record"), shape<Record>());
    EXPECT_EQ(document.expand("batch"), shape<Batch>());
    EXPECT_EQ(document.expand("batch-claim"), shape<BatchClaim>());
    EXPECT_EQ(document.expand("ledger-header"), shape<LedgerHeader>());
    EXPECT_EQ(document.expand("witness"), shape<tree::Witness>());
    EXPECT_EQ(document.expand("state-witness"), shape<ledger::StateWitness>());
    EXPECT_EQ(document.expand("snapshot-chunk"), shape<ledger::SnapshotChunk>());
    EXPECT_EQ(document.expand("manifest"), shape<Manifest>());
    EXPECT_EQ(document.expand("list-entry"), shape<ListEntry>());
    EXPECT_EQ(document.expand("bad-box"), shape<BadBox>());
    EXPECT_EQ(document.expand("opening"), shape<Opening>());
    EXPECT_EQ(document.expand("signed-bytes"),
              "[bstr .size 32, uint .size 4, uint .size 1, uint .size 1, any]");
    for (const auto& rule : document.unused()) ADD_FAILURE() << rule << " is used by nothing";
}

}  // namespace
}  // namespace tally::node
