"""Each rule of scripts/check-house is seen failing on a small tree that breaks it, and a tree in order passes."""

import subprocess
import sys
import tempfile
import unittest
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

CHECK = Path(__file__).resolve().parents[2] / "scripts" / "check-house"

sys.dont_write_bytecode = True
loader = SourceFileLoader("check_house", str(CHECK))
check_house = module_from_spec(spec_from_loader("check_house", loader))
loader.exec_module(check_house)

HOUSE = """
[room.base]
floor = 0
purpose = "words"
[room.crypto]
floor = 1
purpose = "hash"
libraries = ["openssl/"]
[room.model]
floor = 2
purpose = "nouns"
may_include = ["crypto"]
in_tests = ["io"]
[room.ports]
floor = 1
purpose = "ports"
[room.node]
floor = 6
purpose = "one step"
may_include = "below"
[room.io]
floor = 7
purpose = "the real world"
may_include = ["ports"]
libraries = ["rocksdb/", "boost/"]
[room.cli]
floor = 8
purpose = "commands"
may_include = "anything"
[room.app]
floor = 8
purpose = "main"
may_include = "anything"
[stand_alone_verifier]
rooms = ["base", "crypto", "model"]
never = ["rocksdb/", "boost/asio", "openssl/ssl.h"]
[determinism]
floor_max = 6
[files]
lines_max = 20
folders = ["src", "scripts"]
"""

IN_ORDER = {
    "house.toml": HOUSE,
    "src/base/README.md": "base\n",
    "src/base/bytes.hpp": "#include <vector>\n",
    "src/crypto/README.md": "crypto\n",
    "src/crypto/hash.cpp": '#include <openssl/sha.h>\n#include "base/bytes.hpp"\n#include "crypto/hash.hpp"\n',
    "src/crypto/CMakeLists.txt": "tally_room(crypto\n  SOURCES hash.cpp\n  ROOMS base  # words\n)\n",
    "src/model/README.md": "model\n",
    "src/model/batch.cpp": '#include "crypto/hash.hpp"\n',
    "src/io/README.md": "io\n",
    "src/io/disk.cpp": "#include <rocksdb/db.h>\nstd::mutex lock;\nauto now = std::chrono::steady_clock::now();\n",
    "src/node/README.md": "node\n",
    "src/node/step.cpp": '#include "model/batch.hpp"\n',
    "src/cli/README.md": "cli\n",
    "src/app/README.md": "app\n",
    "src/app/main.cpp": '#include "cli/run.hpp"\n#include "io/disk.hpp"\n',
}


def findings_of(changes):
    """What the check finds in the tree in order with these files on top (None takes one away)."""
    with tree_with(changes) as root:
        return check_house.House(Path(root)).check()


@contextmanager
def tree_with(changes):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**IN_ORDER, **changes}.items():
            if text is None:
                continue
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        yield folder


class CheckHouse(unittest.TestCase):
    def passes(self, changes):
        self.assertEqual(findings_of(changes), [])

    def fails(self, changes, *expected):
        """One finding for each expected text, and no other."""
        found = findings_of(changes)
        self.assertEqual(len(found), len(expected), found)
        for line, text in zip(found, expected):
            self.assertIn(text, line)

    def test_a_tree_in_order_passes(self):
        self.passes({})

    def test_the_command_ends_with_1_and_prints_what_it_found(self):
        for changes, status, output in [({}, 0, "house: in order\n"),
                                        ({"src/shed/tool.cpp": "\n"}, 1, "src/shed:1: 'shed' is no room of house.toml\n")]:
            with tree_with(changes) as root:
                run = subprocess.run([sys.executable, CHECK, "--root", root], capture_output=True, text=True)
            self.assertEqual((run.returncode, run.stdout), (status, output))

    def test_an_upward_include(self):
        self.fails({"src/crypto/key.cpp": '#include "base/bytes.hpp"\n#include "model/batch.hpp"\n'},
                   'src/crypto/key.cpp:2: crypto includes "model/batch.hpp": upward')

    def test_an_include_that_the_table_does_not_list(self):
        self.fails({"src/model/tx.hpp": '#include "ports/disk.hpp"\n'}, "not in its line of house.toml")
        self.fails({"src/model/tx.hpp": "#include <ports/disk.hpp>\n"}, "our own headers")
        self.fails({"src/model/tx.hpp": '#include "tx_fields.hpp"\n'}, "our own headers")

    def test_a_test_may_use_what_is_named_for_tests_only(self):
        include = '#include "io/disk.hpp"\n#include <gtest/gtest.h>\n'
        self.passes({"src/model/tx_test.cpp": include})
        self.fails({"src/model/tx.cpp": include}, "upward", "not among the libraries")
        self.fails({"src/crypto/key_test.cpp": include}, "upward")

    def test_a_circle_of_includes(self):
        self.fails({"src/cli/run.cpp": '#include "app/main.hpp"\n'}, "circle", "circle")

    def test_a_link_that_the_table_does_not_list(self):
        self.fails({"src/model/CMakeLists.txt": "tally_room(model SOURCES batch.cpp\n  ROOMS crypto ports)\n"},
                   "src/model/CMakeLists.txt:1: model links ports")
        self.fails({"src/model/CMakeLists.txt": "target_link_libraries(tally_model PUBLIC tally_ports)\n"},
                   "model links ports")
        self.passes({"src/model/CMakeLists.txt": "tally_room(model ROOMS crypto TEST_ROOMS io)\n"})
        self.fails({"src/model/CMakeLists.txt": "tally_room(model ROOMS crypto io)\n"}, "model links io")

    def test_a_library_in_the_wrong_room(self):
        self.fails({"src/node/keep.cpp": "#include <rocksdb/db.h>\n"}, "not among the libraries of node")

    def test_what_the_stand_alone_verifier_must_not_link(self):
        # Even the room's own line cannot allow it.
        self.fails({"src/crypto/tls.cpp": "#include <openssl/ssl.h>\n"}, "stand-alone verifier")
        self.fails({"house.toml": HOUSE.replace('"nouns"\nmay_include = ["crypto"]',
                                                '"nouns"\nmay_include = ["crypto", "ports"]')},
                   "must not link")

    def test_a_table_that_looks_upward(self):
        self.fails({"house.toml": HOUSE.replace('"hash"', '"hash"\nmay_include = ["model"]')}, "not on a lower floor")

    def test_each_rule_of_determinism(self):
        for rule, line in [
            ("clock", "auto now = std::chrono::system_clock::now();"),
            ("clock", "auto now = time(nullptr);"),
            ("thread", "std::thread worker(run);"),
            ("lock", "std::lock_guard guard(lock_);"),
            ("randomness", "std::random_device device;"),
            ("randomness", "int pick = std::rand();"),
            ("float", "double share = 0.5;"),
            ("unordered", "std::unordered_map<int, int> seen;"),
        ]:
            self.fails({"src/node/other.cpp": line + "\n"}, f"src/node/other.cpp:1: ")
            self.assertIn(f"[{rule}]", findings_of({"src/node/other.cpp": line + "\n"})[0])
            self.passes({"src/io/other.cpp": line + "\n", "src/node/other_test.cpp": line + "\n"})
            self.passes({"src/node/other.cpp": f"// {line}\nauto text = R\"({line})\";\n/* {line}\n {line} */\n"})

    def test_words_that_only_look_like_those(self):
        self.passes({"src/node/other.cpp": "block.time(1); auto t = block_time(); lane.clock(2); Ledger::time(3);\n"
                                           "uint64_t n = 1'000'000; double_check(n);\n"})

    def test_a_mark_allows_one_rule_and_needs_a_reason(self):
        line = "std::unordered_map<int, int> seen;"
        self.passes({"src/node/other.cpp": line + "  // order never observed\n"})
        self.passes({"src/node/other.cpp": "// order never observed: looked up only\n" + line + "\n"})
        line = "float ratio = 1;"
        self.passes({"src/node/other.cpp": line + "  // house: allow float, for a log line only\n"})
        self.fails({"src/node/other.cpp": line + "  // house: allow float\n"}, "[float]")
        self.fails({"src/node/other.cpp": line + "  // house: allow clock, wrong rule\n"}, "[float]")

    def test_a_file_that_is_too_long(self):
        self.passes({"src/base/long.cpp": "\n" * 20})
        self.fails({"src/base/long.cpp": "\n" * 21, "scripts/long": "\n" * 21},
                   "src/base/long.cpp:1: 21 lines", "scripts/long:1: 21 lines")

    def test_a_room_without_a_readme(self):
        self.fails({"src/io/README.md": None}, "src/io/README.md:1: every room")

    def test_a_room_that_the_table_does_not_know(self):
        self.fails({"src/shed/tool.cpp": "\n"}, "'shed' is no room")


if __name__ == "__main__":
    unittest.main()
