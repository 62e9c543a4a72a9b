"""Data that is altered on a participant's disk, through the database's own interface, is never served: the participant
names it, is named by the others, heals from them and goes on, with the same state as they have."""

import json
import subprocess
import sys
import time
import unittest
import urllib.request

from network import Network, Ended

PROGRAM = sys.argv.pop(1)
CORRUPT = sys.argv.pop(1)


class Altered(unittest.TestCase):
    def setUp(self):
        self.network = Network(PROGRAM)
        self.network.start(*Network.NAMES)
        for i in range(30):
            ended = self.network.submit([{"_id": "item$1", "name": f"thing {i}", "price": i}], "--wait", "final")
            self.assertEqual(ended.code, 0, ended.said)

    def tearDown(self):
        self.network.close()

    def corrupt(self, name, *arguments):
        ended = Ended(subprocess.run(
            [CORRUPT, "--charter", self.network.charter, "--data", self.network.file(f"{name}-data"), *arguments],
            capture_output=True, text=True, timeout=60, check=False))
        self.assertEqual(ended.code, 0, ended.said)
        return ended.json()

    def status(self, name):
        return self.network.must("status", "--json", "--url", self.network.url(name)).json()

    def get(self, name, subject, *arguments):
        return self.network.run("get", "items", subject, "--json", "--url", self.network.url(name), *arguments)

    def eventually(self, what, check, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if check():
                return
            time.sleep(0.05)
        self.fail(f"{what}: {json.dumps(self.status('dave')['ledgers'])}\n{self.network.log('dave')[-3000:]}")

    def is_whole(self, name="dave"):
        ledger = self.status(name)["ledgers"][0]
        return not ledger["quarantined"] and ledger["failure"] == ""

    def all_agree(self):
        ledgers = [self.status(name)["ledgers"][0] for name in Network.NAMES]
        return len({(one["executed"], one["header"]) for one in ledgers}) == 1

    def signs_again(self, name="dave"):
        ended = self.network.submit([{"_id": "item$1", "name": f"after {time.monotonic()}"}], "--wait", "final")
        self.assertEqual(ended.code, 0, ended.said)
        self.eventually(f"{name} signs again",
                        lambda: name not in self.status("alice")["ledgers"][0]["not_yet_signed_by"])
        self.eventually("all agree", self.all_agree)

    def read_altered(self, how):
        truth = self.get("alice", "item/name=thing 7").json()
        self.network.kill("dave", 15)
        altered = self.corrupt("dave", "--ledger", "items", "--subject", "item/name=thing 7", "--how", how)
        self.network.start("dave")

        answer = self.get("dave", "item/name=thing 7")
        self.assertNotEqual(answer.code, 0, answer.said)
        self.assertIn("state_altered", answer.said)
        self.eventually("the others name it", lambda: any(
            peer["name"] == "dave" and peer["quarantined"] == ["items"] for peer in self.status("alice")["peers"]))
        named = self.status("dave")["ledgers"][0]["altered"]
        self.assertEqual([one["subject"] for one in named], [f"item {altered['subject']}"])
        self.eventually("it leaves quarantine", self.is_whole)
        healed = self.get("dave", "item/name=thing 7")
        self.assertEqual(healed.json()["subject"], truth["subject"])
        self.assertIn("is healed", self.network.log("dave"))
        at_writing = self.get("dave", "item/name=thing 7", "--at", str(altered["block"]))
        self.assertEqual(at_writing.json()["subject"], truth["subject"])
        self.eventually("the others hear that it is over", lambda: all(
            peer["quarantined"] == [] for peer in self.status("alice")["peers"]))
        self.signs_again()

    def test_a_reader_never_gets_a_changed_value_and_it_heals(self):
        self.read_altered("change")

    def test_a_reader_never_misses_a_deleted_value_and_it_heals(self):
        self.read_altered("delete")

    def test_execution_never_uses_an_altered_value(self):
        self.network.kill("dave", 15)
        self.corrupt("dave", "--ledger", "items", "--subject", "item/name=thing 3")
        self.network.start("dave")
        ended = self.network.submit([{"_id": ["item/name", "thing 3"], "price": 1000}], "--wait", "final")
        self.assertEqual(ended.code, 0, ended.said)
        self.eventually("it executed the block", self.all_agree)
        self.eventually("it leaves quarantine", self.is_whole)
        self.assertIn("is altered on this disk", self.network.log("dave"))
        self.assertEqual(self.get("dave", "item/name=thing 3").json()["subject"]["price"], 1000)
        self.signs_again()

    def test_the_scrubber_finds_what_nobody_reads(self):
        config = self.network.file("dave.toml")
        scrubbed = self.network.run("scrub", "--config", config, "--json")
        self.assertEqual(scrubbed.code, 0, scrubbed.said)
        self.assertEqual(scrubbed.json()["last_found"], 0)
        self.assertGreater(scrubbed.json()["last_bytes"], 10_000)
        self.network.kill("dave", 15)
        self.corrupt("dave", "--ledger", "items", "--subject", "item/name=thing 11")
        self.corrupt("dave", "--ledger", "items", "--subject", "item/name=thing 12", "--how", "delete")
        self.corrupt("dave", "--map", "transactions", "--key", "0000", "--how", "delete")
        self.network.start("dave")
        scrubbed = self.network.run("scrub", "--config", config)
        self.assertEqual(scrubbed.code, 1, scrubbed.said)
        self.assertRegex(scrubbed.said, "MB a second.*altered: `tally status` names them")
        self.eventually("all of it heals", lambda: self.network.run(
            "scrub", "--config", config).code == 0 and self.is_whole())
        for said in ("is altered on this disk", "is missing on this disk", "is healed", "where transaction "):
            self.assertIn(said, self.network.log("dave"))
        metrics = urllib.request.urlopen(self.network.url("dave") + "/metrics", timeout=10).read().decode()
        self.assertRegex(metrics, r'(?m)^tally_ledger_altered_total\{ledger="items"\} 2$')
        self.assertRegex(metrics, r"(?m)^tally_scrub_last_found 0$")
        self.signs_again()

    def test_what_is_not_a_single_value_is_made_again(self):
        self.network.kill("dave", 15)
        self.corrupt("dave", "--map", "nodes", "--key", "0000" + "0" * 15 + "5")
        self.network.start("dave")
        # Something leads through any page of the tree.
        for i in range(30):
            self.get("dave", f"item/name=thing {i}")
        self.network.run("query", "items", "item", "--limit", "50", "--json", "--url", self.network.url("dave"))
        self.network.run("query", "items", "item", "--at", "5", "--json", "--url", self.network.url("dave"))
        self.eventually("it leaves quarantine", self.is_whole)
        self.assertIn("it is made again", self.network.log("dave"))
        self.signs_again()


if __name__ == "__main__":
    unittest.main(verbosity=2)
