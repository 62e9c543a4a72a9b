// A participant that keeps something worth altering.
#pragma once

#include "node/testing/alone.hpp"

namespace tally::node {

/// A participant with a few blocks, which wrote, overwrote and erased.
class Kept : public Alone {
public:
    Kept() {
        open();
        start();
        const char* changes[] = {
            R"([{"_id":"item$1","key":"a"},{"_id":"item$2","key":"b"}])",
            R"([{"_id":["item/key","a"],"key":"c"}])",
            R"([{"_id":"item$1","key":"a"}])",
            R"([{"_id":["item/key","b"],"_action":"delete"}])",
            R"([{"_id":["item/key","nobody"],"key":"d"}])",
        };
        uint64_t number = 0;
        for (const char* change : changes) {
            submit(change, ++number);
            run_until([&] { return certified() == Height{number}; });
            ENSURE(certified() == Height{number});
        }
        run_turns(50);
    }
};

}  // namespace tally::node
