"""A participant comes back from whatever it lost, while the others go on: from an empty database, from a damaged one,
from having been away. Afterwards it stands where they stand, answers as they do, and signs."""

import shutil
import signal
import sys
import time
import unittest
from pathlib import Path

from network import Network

PROGRAM = sys.argv.pop(1)
APPLIED = 0


class Return(unittest.TestCase):
    def setUp(self):
        self.network = Network(PROGRAM)
        self.addCleanup(self.network.close)
        self.count = 0
        # In so small a history every slot counts.
        self.network.write_config("dave", snapshot_after_slots=5)
        self.network.start(*Network.NAMES)

    def work(self, transactions, to="alice"):
        for _ in range(transactions):
            self.count += 1
            ended = self.network.submit([{"_id": "item$1", "name": f"item {self.count}", "price": self.count}], to=to)
            self.assertEqual(ended.code, APPLIED, ended.said)

    def status(self, name):
        return self.network.run("status", "--json", "--url", self.network.url(name)).json()

    def ledger(self, name):
        return self.status(name)["ledgers"][0]

    def wait_equal(self, name, seconds=60):
        """Until `name` has executed what alice has."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            expected, found = self.ledger("alice"), self.ledger(name)
            if found["executed"] == expected["executed"] and self.status(name)["catching_up"] is None:
                self.assertEqual(found["header"], expected["header"])
                return found
            time.sleep(0.1)
        self.fail(f"{name} did not catch up: {self.status(name)}\n{self.network.log(name)}")

    def expect_rows(self, name):
        rows = self.network.must("query", "items", "item", "--limit", "1000", "--json",
                                 "--url", self.network.url(name)).json()["rows"]
        self.assertEqual(sorted(row["price"] for row in rows), list(range(1, self.count + 1)))

    def expect_blocks_from(self, name, history):
        """Blocks before its history are refused; the newest are shown, as many as there are."""
        asked = ("blocks", "items", "--url", self.network.url(name))
        for first in (1, history):
            ended = self.network.run(*asked, "--from", str(first))
            self.assertEqual(ended.code, 2, ended.said)
            self.assertIn("[unknown_block]", ended.err)
        ended = self.network.run(*asked, "--from", "1")
        self.assertIn(f"its history begins at block {history}", ended.err)
        newest = self.network.must(*asked, "--count", "1000")
        self.assertIn(f"history begins at block {history}", newest.err)
        blocks = self.network.must(*asked, "--count", "1000", "--json").json()["blocks"]
        self.assertGreater(len(blocks), 0)
        self.assertEqual(blocks[0]["height"], history + 1)

    def expect_signs(self, name):
        """Its attestation is among those of a new block."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            self.work(1)
            time.sleep(0.3)
            if name not in self.ledger("alice")["not_yet_signed_by"] and self.ledger(name)["header"] == \
                    self.ledger("alice")["header"]:
                self.assertTrue(self.status(name)["signing"])
                return
        self.fail(f"{name} does not sign: {self.status(name)}")

    def test_an_empty_database_is_loaded_from_the_others(self):
        self.work(12)
        self.network.kill("dave")
        shutil.rmtree(self.network.file("dave-data/database"))
        self.work(8, to="bob")
        self.network.start("dave")
        self.work(3)
        found = self.wait_equal("dave")
        self.assertGreater(found["history"], 0, "it was loaded, not executed")
        self.expect_rows("dave")
        self.expect_signs("dave")
        log = self.network.log("dave")
        self.assertIn("far behind", log)
        self.assertIn("caught up", log)
        said = self.network.must("status", "--url", self.network.url("dave")).out
        self.assertIn("older blocks are not here", said)
        # What is older is refused, never answered wrongly.
        ended = self.network.run("get", "items", "item/name=item 1", "--at", "1",
                                 "--url", self.network.url("dave"))
        self.assertNotEqual(ended.code, 0, ended.said)
        self.assertIn("another participant", ended.said)
        self.expect_blocks_from("dave", found["history"])
        # It goes on from there after a restart, too.
        self.network.kill("dave")
        self.network.start("dave")
        self.work(2)
        self.assertGreater(self.wait_equal("dave")["history"], 0)
        self.expect_rows("dave")

    def test_what_was_missed_is_executed(self):
        self.work(3)
        self.network.kill("carol", signal.SIGTERM)
        self.work(12)
        self.network.start("carol")
        self.assertEqual(self.wait_equal("carol")["history"], 0)
        self.expect_rows("carol")
        self.expect_signs("carol")

    def test_a_damaged_database_is_put_aside_and_made_again(self):
        self.work(10)
        self.network.kill("dave", signal.SIGTERM)
        database = Path(self.network.file("dave-data/database"))
        for file in database.iterdir():
            if file.name.startswith("MANIFEST"):
                file.write_bytes(b"not what a database writes")
        self.work(3)
        self.network.start("dave")
        self.wait_equal("dave")
        self.expect_rows("dave")
        self.expect_signs("dave")
        self.assertIn("put aside", self.network.log("dave"))
        self.assertTrue(Path(f"{database}.damaged-1").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
