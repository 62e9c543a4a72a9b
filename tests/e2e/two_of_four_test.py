"""What clients see while two of four participants are down: nothing is promised, what was sent can be asked for by its
id, reads go on and name their block; and when the two are back, what was sent is applied."""

import json
import re
import sys
import time
import unittest

from network import Network

PROGRAM = sys.argv.pop(1)
APPLIED, REJECTED, USAGE, UNKNOWN, UNREACHABLE = range(5)


class TwoOfFour(unittest.TestCase):
    def test_two_are_down_and_come_back(self):
        network = Network(PROGRAM)
        self.addCleanup(network.close)
        network.start(*network.NAMES)
        before = network.submit({"_id": "item$1", "name": "before", "price": 1}, "--json")
        self.assertEqual(before.code, APPLIED, before.said)
        network.kill("carol")
        network.kill("dave")

        # A transaction: neither applied nor rejected, and its id.
        change = {"_id": "item$1", "name": "meanwhile", "price": 2}
        asked = network.submit(change, "--timeout", "2000")
        self.assertEqual(asked.code, UNKNOWN, asked.said)
        named = re.search(r"tally tx show items ([0-9a-f]{64})", asked.said)
        self.assertIsNotNone(named, asked.said)
        envelope = network.sign({**change, "name": "meanwhile too"})
        sent = network.submit_signed(envelope, "--timeout", "2000", "--json")
        self.assertEqual(sent.code, UNKNOWN, sent.said)
        answer = sent.json()
        self.assertEqual(answer["outcome"], "unknown")
        shown = network.run("tx", "show", "items", answer["transaction"], "--url", network.url("bob"))
        self.assertEqual(shown.code, UNKNOWN, shown.said)

        # The status says why.
        for name in ("alice", "bob"):
            status = self.wait_until_missed(network, name)
            self.assertIn("2 of 4 heard, 3 needed: nothing is ordered", json.dumps(status))
        told = network.run("status", "--url", network.url("alice"))
        self.assertIn("nothing is ordered", told.said)

        # Reads are answered, with the block that they are of.
        rows = network.must("query", "items", "item", "name=before", "--json", "--url", network.url("bob")).json()
        self.assertEqual([row["price"] for row in rows["rows"]], [1])
        self.assertEqual(rows["block"], before.json()["height"])
        self.assertEqual(network.must("query", "items", "item", "name=meanwhile", "--json",
                                      "--url", network.url("bob")).json()["rows"], [])
        gone = network.run("status", "--url", network.url("carol"))
        self.assertEqual(gone.code, UNREACHABLE, gone.said)

        # One more is a quorum; the fourth catches up. The same bytes may be sent again.
        network.start("carol")
        again = network.submit_signed(envelope, "--json", to="bob")
        self.assertEqual(again.code, APPLIED, again.said)
        self.assertEqual(again.json()["transaction"], answer["transaction"])
        network.start("dave")
        for name in network.NAMES:
            for transaction in (named.group(1), answer["transaction"]):
                shown = network.run("tx", "show", "items", transaction, "--wait", "certified",
                                    "--url", network.url(name))
                self.assertEqual(shown.code, APPLIED, shown.said)
            rows = network.must("query", "items", "item", "name=meanwhile", "--json", "--url", network.url(name))
            self.assertEqual(len(rows.json()["rows"]), 1, f"{name}: once, and not lost: {rows.said}")

    def wait_until_missed(self, network, name):
        """The status, once the two have been silent for long enough."""
        deadline = time.monotonic() + 60
        while True:
            status = network.must("status", "--json", "--url", network.url(name)).json()
            if "nothing is ordered" in json.dumps(status) or time.monotonic() > deadline:
                return status
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main(verbosity=1)
