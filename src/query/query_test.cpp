// An answer is what a look at every row gives: whatever the filters, the order, the limit and the
// indexes, and never more than the reader may see.
#include "query/query.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <set>

#include "ledger/ledger_testing.hpp"

namespace tally::query {
namespace {

namespace bj = boost::json;
using ledger::Permissions;
using ledger::SubjectId;
using ledger::Value;
using ledger::testing::Ledger;
using ledger::testing::MapState;
using Texts = std::vector<std::string>;

/// Everything twice, with an index and without, under two names.
constexpr std::string_view twins[][2] = {
    {"name", "call"}, {"size", "weight"}, {"note", "title"}, {"tags", "marks"}};
constexpr std::string_view without_index(std::string_view name) {
    for (const auto& [with, without] : twins) {
        if (name == with) return without;
    }
    return name;
}

std::vector<std::string> item_genesis() {
    auto changes = ledger::testing::package_genesis();
    for (const char* change :
         {R"({"_id":"_collection$i","name":"item"})",
          R"({"_id":"_predicate$20","name":"item/name","type":"string","unique":true,)"
          R"("required":true})",
          R"({"_id":"_predicate$21","name":"item/call","type":"string"})",
          R"({"_id":"_predicate$22","name":"item/size","type":"int","index":true})",
          R"({"_id":"_predicate$23","name":"item/weight","type":"int"})",
          R"({"_id":"_predicate$24","name":"item/note","type":"string","index":true})",
          R"({"_id":"_predicate$25","name":"item/title","type":"string"})",
          R"({"_id":"_predicate$26","name":"item/tags","type":"string","multi":true,"index":true})",
          R"({"_id":"_predicate$27","name":"item/marks","type":"string","multi":true})"})
        changes.emplace_back(change);
    return changes;
}

/// SplitMix64: the same numbers everywhere.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t below(uint64_t bound) {
        uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return (z ^ (z >> 31)) % bound;
    }
    /// Few texts, so that they collide; many share more than an index key holds of them.
    std::string text() {
        static const Texts texts = {"",
                                    "a",
                                    "ab",
                                    "b",
                                    std::string("a\0b", 3),
                                    std::string("a\0", 2),
                                    std::string(48, 'l'),
                                    std::string(47, 'l'),
                                    std::string(60, 'l') + "a",
                                    std::string(60, 'l') + "b",
                                    std::string(49, 'l'),
                                    std::string(47, 'l') + std::string(2, '\0'),
                                    "m"};
        return texts[below(texts.size())];
    }

private:
    uint64_t state_;
};

struct Item {
    SubjectId subject;
    std::string name;
    std::optional<int64_t> size;
    std::optional<std::string> note;
    std::set<std::string> tags;

    [[nodiscard]] std::vector<Value> values(std::string_view of) const {
        if (of == "name") return {Value(name)};
        if (of == "size") return size ? std::vector{Value(*size)} : std::vector<Value>{};
        if (of == "note") return note ? std::vector{Value(*note)} : std::vector<Value>{};
        std::vector<Value> all;
        for (const auto& tag : tags) all.emplace_back(tag);
        return all;
    }
};

bool is_true(Comparison comparison, const Value& value, const Value& bound) {
    switch (comparison) {
    case Comparison::equal: return value == bound;
    case Comparison::less: return value < bound;
    case Comparison::less_or_equal: return value <= bound;
    case Comparison::greater: return value > bound;
    case Comparison::greater_or_equal: return value >= bound;
    }
    std::abort();
}

/// The answer by definition. Texts here are ASCII, so that their order is that of their bytes.
std::vector<SubjectId> naive(std::vector<Item> items, const Query& query) {
    std::erase_if(items, [&](const Item& item) {
        return !std::all_of(query.filters.begin(), query.filters.end(), [&](const Filter& filter) {
            const auto values = item.values(filter.predicate);
            return std::any_of(values.begin(), values.end(), [&](const Value& value) {
                return is_true(filter.comparison, value, filter.value);
            });
        });
    });
    std::sort(items.begin(), items.end(), [&](const Item& a, const Item& b) {
        if (query.order.empty())
            return query.descending ? b.subject < a.subject : a.subject < b.subject;
        const auto of_a = a.values(query.order), of_b = b.values(query.order);
        if (of_a.empty() || of_b.empty())
            return of_a.empty() == of_b.empty() ? a.subject < b.subject : of_b.empty();
        if (of_a != of_b) return query.descending ? of_b < of_a : of_a < of_b;
        return a.subject < b.subject;
    });
    std::vector<SubjectId> subjects;
    for (const Item& item : items) subjects.push_back(item.subject);
    return subjects;
}

std::vector<SubjectId> subjects_of(const Answer& answer) {
    std::vector<SubjectId> subjects;
    for (const auto& row : answer.rows) {
        const auto number = ledger::value_from_json(ledger::Type::ref, row.at("_id"));
        subjects.push_back(std::get<SubjectId>(*number));
    }
    return subjects;
}

class QueryTest : public testing::Test {
protected:
    QueryTest() { EXPECT_EQ(book.genesis_error, ""); }

    void put(const bj::object& change) {
        const auto result = book.send(bj::serialize(bj::array{change}));
        ASSERT_TRUE(result.applied()) << result.explanation();
    }
    /// Inserts or changes the item of this number.
    void put_item(uint64_t number, Random& random) {
        const bool is_new = number >= items.size();
        if (is_new) items.emplace_back();
        Item& item = items[number];
        if (is_new) item.name = random.text() + std::to_string(number);
        item.size.reset();
        if (random.below(4) != 0) item.size = int64_t(random.below(7)) - 3;
        item.note.reset();
        if (random.below(4) != 0) item.note = random.text();
        item.tags.clear();
        for (uint64_t count = random.below(4); count > 0; --count) item.tags.insert(random.text());

        bj::object change;
        if (is_new) {
            change["_id"] = "item$1";
            change["name"] = item.name;
            change["call"] = item.name;
        } else {
            change["_id"] = item.subject.value;
        }
        for (const char* name : {"size", "weight"}) {
            if (item.size) change[name] = *item.size;
            if (!item.size && !is_new) change[name] = nullptr;
        }
        for (const char* name : {"note", "title"}) {
            if (item.note) change[name] = *item.note;
            if (!item.note && !is_new) change[name] = nullptr;
        }
        for (const char* name : {"tags", "marks"}) {
            bj::array tags(item.tags.begin(), item.tags.end());
            if (!item.tags.empty()) change[name] = std::move(tags);
            if (item.tags.empty() && !is_new) change[name] = nullptr;
        }
        put(change);
        if (is_new) item.subject = *book.find("item/name", Value(item.name));
    }
    Query any_query(Random& random) {
        Query query;
        query.collection = "item";
        for (uint64_t count = random.below(4); count > 0; --count) {
            const auto name = twins[random.below(4)][0];
            const Value value = name == "size" ? Value(int64_t(random.below(9)) - 4)
                                : name == "name" && random.below(2) != 0
                                    ? Value(items[random.below(items.size())].name)
                                    : Value(random.text());
            query.filters.push_back({std::string(name), Comparison(random.below(5)), value});
        }
        const std::string_view orders[] = {"", "name", "size", "note"};
        query.order = std::string(orders[random.below(4)]);
        query.descending = random.below(2) != 0;
        query.limit = random.below(2) != 0 ? 100 : uint32_t(1 + random.below(6));
        return query;
    }
    void expect_as_naive(const Query& query) {
        auto expected = naive(items, query);
        const bool more = expected.size() > query.limit;
        if (more) expected.resize(query.limit);
        Query scanning = query;  // The same question where no index helps.
        for (auto& filter : scanning.filters) filter.predicate = without_index(filter.predicate);
        scanning.order = without_index(query.order);
        const auto schema = book.schema();
        for (const Query* one : {&query, static_cast<const Query*>(&scanning)}) {
            const auto answer = run(book.state, *schema, Permissions::everything(), *one);
            ASSERT_TRUE(answer.ok()) << answer.error().message();
            EXPECT_EQ(subjects_of(*answer), expected) << (one == &query ? "by index" : "by rows");
            EXPECT_EQ(answer->more, more);
        }
    }
    Result<Answer> ask(std::string_view json, const Permissions& permissions,
                       const StateView* at = nullptr,
                       uint64_t scanned_max = limits::query_scanned_max) {
        const auto schema = book.schema();
        TRY(value, model::parse_json(view_of(json)));
        TRY(query, parse_query(value, *schema));
        return run(at == nullptr ? book.state : *at, *schema, permissions, query, scanned_max);
    }
    std::string rows(std::string_view json, const StateView* at = nullptr) {
        const auto answer = ask(json, Permissions::everything(), at);
        return answer.ok() ? bj::serialize(answer->rows) : answer.error().message();
    }
    std::string names(std::string_view json, const StateView* at = nullptr) {
        const auto answer = ask(json, Permissions::everything(), at);
        if (!answer.ok()) return answer.error().message();
        std::string all;
        for (const auto& row : answer->rows) all += row.at("name").as_string().c_str();
        return all;
    }

    Ledger book{item_genesis()};
    std::vector<Item> items;
};

TEST_F(QueryTest, gives_what_a_look_at_every_row_gives) {
    Random random(1);
    for (uint64_t number = 0; number < 40; ++number) put_item(number, random);
    for (uint64_t round = 0; round < 4; ++round) {
        for (int i = 0; i < 400; ++i) {
            const Query query = any_query(random);
            SCOPED_TRACE("round " + std::to_string(round) + ", query " + std::to_string(i));
            ASSERT_NO_FATAL_FAILURE(expect_as_naive(query));
            if (HasFailure()) return;
        }
        // Index entries must follow what changes and what goes.
        for (int i = 0; i < 8; ++i) put_item(random.below(items.size()), random);
        const auto gone = items.begin() + ptrdiff_t(random.below(items.size()));
        put({{"_id", gone->subject.value}, {"_action", "delete"}});
        items.erase(gone);
    }
}

TEST_F(QueryTest, each_filter_on_many_values_holds_for_itself) {
    put({{"_id", "item$1"}, {"name", "x"}, {"tags", {"a", "d"}}, {"marks", {"a", "d"}}});
    put({{"_id", "item$1"}, {"name", "y"}, {"tags", {"b"}}, {"marks", {"b"}}});
    put({{"_id", "item$1"}, {"name", "z"}, {"tags", {"d"}}, {"marks", {"d"}}});
    for (const std::string name : {"tags", "marks"}) {
        const auto found = [&](const std::string& first, const std::string& second) {
            return names(R"({"from":"item","where":[")" + name + first + R"(",")" + name + second +
                         R"("]})");
        };
        EXPECT_EQ(found(">=b", "<c"), "xy") << name;
        EXPECT_EQ(found("<c", ">=b"), "xy") << name;
        EXPECT_EQ(found("=a", "=d"), "x") << name;
        EXPECT_EQ(found(">c", "=a"), "x") << name;
    }
}

TEST_F(QueryTest, answers_for_the_block_that_is_asked_for) {
    put({{"_id", "item$1"}, {"name", "x"}, {"size", 1}});
    const MapState before = book.state;
    put({{"_id", {"item/name", "x"}}, {"size", 2}});
    put({{"_id", "item$1"}, {"name", "y"}, {"size", 1}});
    constexpr std::string_view one = R"({"from":"item","where":["size=1"]})";
    EXPECT_EQ(names(one, &before), "x");
    EXPECT_EQ(names(one), "y");
}

TEST_F(QueryTest, shows_what_is_selected_and_what_may_be_read) {
    put({{"_id", "package$1"}, {"name", "zlib"}, {"size", 86}, {"version", "1.3"}});
    const auto named = [](const Result<Answer>& answer) {
        return answer.ok() ? bj::serialize(answer->rows) : answer.error().message();
    };
    const Permissions owner = Permissions::everything();
    const Permissions everyone = *Permissions::of_public(book.state);
    const std::string id = std::to_string(book.find("package/name", Value("zlib"))->value);
    EXPECT_EQ(named(ask(R"({"from":"package","select":["size"]})", owner)),
              R"([{"_id":)" + id + R"(,"size":86}])");
    EXPECT_EQ(named(ask(R"({"from":"package"})", everyone)),
              R"([{"_id":)" + id + R"(,"name":"zlib"}])");
    // What may not be read can be neither filtered by, nor ordered by, nor selected.
    for (const std::string part :
         {R"("where":["size>1"])", R"("order":"size")", R"("select":["size"])"}) {
        EXPECT_EQ(named(ask(R"({"from":"package",)" + part + '}', everyone)),
                  "you may not read this predicate: package/size. Identify yourself, or ask for a "
                  "role that may");
    }
    EXPECT_EQ(named(ask(R"({"from":"item"})", everyone)),
              "there is no such collection that you may read: item. See the ledger's "
              "`_collection`");
    EXPECT_FALSE(ask(R"({"from":"package"})", Permissions()).ok());
}

TEST_F(QueryTest, looks_at_no_more_than_it_may) {
    for (const char* name : {"x", "y", "z"})
        put({{"_id", "item$1"}, {"name", name}, {"size", 1}, {"weight", 1}});
    for (const char* name : {"size", "weight"}) {
        const std::string text = R"({"from":"item","where":[")" + std::string(name) + R"(=1"]})";
        EXPECT_TRUE(ask(text, Permissions::everything(), nullptr, 3).ok());
        const auto stopped = ask(text, Permissions::everything(), nullptr, 2);
        ASSERT_FALSE(stopped.ok());
        EXPECT_EQ(stopped.error().message(),
                  "the query would have to look at too many rows: over 2 in item. Filter on a "
                  "predicate that is unique or has an index");
    }
}

TEST_F(QueryTest, an_index_in_the_order_that_is_asked_for_is_read_no_further_than_needed) {
    for (int i = 0; i < 50; ++i)
        put({{"_id", "item$1"}, {"name", "n" + std::to_string(10 + i)}, {"size", i % 5}});
    const auto scanned = [&](std::string_view json) {
        const auto answer = ask(json, Permissions::everything());
        EXPECT_TRUE(answer.ok() && answer->more);
        return answer.ok() ? answer->scanned : 0;
    };
    EXPECT_EQ(scanned(R"({"from":"item","order":"name","limit":1})"), 2u);
    EXPECT_EQ(scanned(R"({"from":"item","order":"name","limit":10})"), 11u);
    EXPECT_EQ(scanned(R"({"from":"item","where":["size>=2"],"order":"size","limit":3})"), 4u);
    EXPECT_EQ(scanned(R"({"from":"item","limit":3})"), 4u);
    // The end of the order is at the end of the index.
    EXPECT_EQ(scanned(R"({"from":"item","order":"name","descending":true,"limit":1})"), 50u);
}

/// Far more rows than are asked for: those behind the last are let go on the way.
TEST_F(QueryTest, finds_the_first_of_many) {
    Random random(7);
    for (uint64_t number = 0; number < 700; ++number) put_item(number, random);
    for (int i = 0; i < 60; ++i) {
        Query query = any_query(random);
        query.limit = uint32_t(1 + random.below(8));
        if (i % 2 == 0) query.filters.clear();
        SCOPED_TRACE("query " + std::to_string(i));
        ASSERT_NO_FATAL_FAILURE(expect_as_naive(query));
        if (HasFailure()) return;
    }
}

TEST_F(QueryTest, holds_no_more_bytes_than_it_may) {
    const std::string large(40'000, 't');
    for (int i = 0; i < 900; ++i)
        put({{"_id", "item$1"},
             {"name", "n" + std::to_string(i)},
             {"weight", (i * 7) % 900},
             {"title", large}});
    EXPECT_EQ(names(R"({"from":"item","order":"weight","limit":2,"select":["name"]})"), "n0n643");
    EXPECT_EQ(names(R"({"from":"item","order":"weight","descending":true,"limit":1})"), "n257");
    const auto all = ask(R"({"from":"item","limit":900})", Permissions::everything());
    ASSERT_FALSE(all.ok());
    EXPECT_EQ(all.error().message(),
              "the rows that were asked for are too large together: over 16777216 bytes. Ask for "
              "fewer at once, with a smaller limit");
    const auto some = ask(R"({"from":"item","limit":400})", Permissions::everything());
    ASSERT_TRUE(some.ok()) << some.error().message();
    EXPECT_EQ(some->rows.size(), 400u);
    EXPECT_TRUE(some->more);
}

TEST_F(QueryTest, what_is_no_query_is_refused_with_the_reason) {
    for (const auto& [text, words] : std::vector<std::pair<std::string, std::string>>{
             {"[]", "it is not a JSON object"},
             {"{}", "\"from\" names the collection"},
             {R"({"from":"thing"})", "no such collection"},
             {R"({"from":"item","where":"size=1"})", "a list of at most 32 filters"},
             {R"({"from":"item","where":["size"]})", "write a filter as name=value"},
             {R"({"from":"item","where":[["size","!=",1]]})", "comparisons are =, <, <=, > and >="},
             {R"({"from":"item","where":["colour=1"]})", "no such predicate: item/colour"},
             {R"({"from":"item","where":["size>=much"]})", "size is of type int"},
             {R"({"from":"item","where":[["size",">",1.5]]})", "not an integer"},
             {R"({"from":"item","select":[1]})", "\"select\" is a list of names"},
             {R"({"from":"item","order":"tags"})", "cannot order by tags, which has many values"},
             {R"({"from":"item","descending":1})", "\"descending\" is true or false"},
             {R"({"from":"item","limit":0})", "\"limit\" is 1 to 10000"},
             {R"({"from":"item","limit":10001})", "\"limit\" is 1 to 10000"},
             {R"({"from":"item","group":"size"})", "unknown field \"group\""}}) {
        EXPECT_NE(rows(text).find(words), std::string::npos) << text << " said: " << rows(text);
    }
}

}  // namespace
}  // namespace tally::query
