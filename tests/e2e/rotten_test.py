"""What rots on a participant's disk below the database, or in its journal, is noticed by the doctor and by the
participant; it puts it aside, makes it again or signs nothing, and everybody's status says so."""

import json
import shutil
import sys
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from network import Network

PROGRAM = sys.argv.pop(1)
FAILED = 1


class Rotten(unittest.TestCase):
    def setUp(self):
        self.network = Network(PROGRAM)
        self.addCleanup(self.network.close)
        self.network.start(*Network.NAMES)
        for i in range(12):
            ended = self.network.submit([{"_id": "item$1", "name": f"thing {i}", "price": i}], "--wait", "final")
            self.assertEqual(ended.code, 0, ended.said)

    def status(self, name):
        return self.network.must("status", "--json", "--url", self.network.url(name)).json()

    def health(self, name):
        try:
            with urllib.request.urlopen(self.network.url(name) + "/healthz", timeout=10) as answer:
                return answer.status, json.load(answer)["note"]
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)["note"]

    def doctor(self, name):
        told = self.network.run("doctor", "--config", self.network.file(f"{name}.toml"), "--json").json()
        return {one["check"]: one for one in told["checks"]}

    def eventually(self, what, check, seconds=40):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if check():
                return
            time.sleep(0.1)
        self.fail(f"{what}\n{self.network.log('dave')[-4000:]}")

    def flip(self, path, at):
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)

    def agree(self):
        ledgers = [self.status(name)["ledgers"][0] for name in Network.NAMES]
        return len({(one["executed"], one["header"]) for one in ledgers}) == 1

    def is_back(self):
        ended = self.network.submit([{"_id": "item$1", "name": f"after {time.monotonic()}"}], "--wait", "final")
        self.assertEqual(ended.code, 0, ended.said)
        self.eventually("all agree", self.agree)
        self.eventually("dave signs again", lambda: "dave" not in self.status("alice")["ledgers"][0]["not_yet_signed_by"])

    def test_the_files_of_the_database(self):
        net = self.network
        folder = Path(net.file("dave-data"))
        for number in range(1, 4):
            net.kill("dave", 15)
            tables = sorted((folder / "database").glob("*.sst"), key=lambda path: path.stat().st_size)
            table = tables[-number]
            self.flip(table, table.stat().st_size // 3)
            checks = self.doctor("dave")
            self.assertEqual(checks["database"]["state"], "failed", checks)
            self.assertEqual(checks["journal"]["state"], "ok", checks)
            net.start_only("dave")
            self.eventually("it is put aside at once, or it ends once it reads it", lambda: (
                net.log("dave").count("is put aside") == number and net.processes["dave"].poll() is None) or self.scrubbed_to_death())
            if net.processes["dave"].poll() is not None:
                self.assertIn("stopped signing: the database is damaged", net.log("dave"))
                net.start("dave")
            net.wait_ready("dave")
            self.assertTrue((folder / f"database.damaged-{number}").is_dir(), net.log("dave"))
            self.is_back()
        self.assertNotIn("DAMAGED", [path.name for path in (folder / "database").iterdir()])

    def scrubbed_to_death(self):
        self.network.run("scrub", "--config", self.network.file("dave.toml"))
        return self.network.processes["dave"].poll() is not None

    def test_the_journal(self):
        net = self.network
        folder = Path(net.file("dave-data"))
        net.kill("dave", 15)
        segment = folder / "journal" / "journal-000001"
        self.flip(segment, 100)
        checks = self.doctor("dave")
        self.assertEqual(checks["journal"]["state"], "failed", checks)
        self.assertEqual(checks["database"]["state"], "ok", checks)
        net.start_only("dave")
        self.eventually("it goes on without", lambda: "counts as lost" in net.log("dave"))
        net.wait_ready("dave")
        self.assertEqual(self.health("dave")[0], 503)
        self.eventually("it follows", self.agree)
        self.eventually("the others say so", lambda: "dave" in self.status("alice")["note"])
        alice = self.status("alice")
        self.assertEqual((alice["losses_survived"], alice["ordering"]), (0, True))
        self.assertEqual([peer["name"] for peer in alice["peers"] if not peer["signing"]], ["dave"])
        self.assertIn("SIGNS NOTHING", net.must("status", "--url", net.url("alice")).out)
        self.assertEqual(self.doctor("alice")["peer dave"]["state"], "warning")
        self.assertEqual(self.health("alice")[0], 200)

        net.kill("dave", 15)
        shutil.rmtree(folder / "journal")
        (folder / "journal.damaged-1").rename(folder / "journal")
        self.flip(segment, 100)
        net.start("dave")
        self.is_back()
        self.eventually("nobody says so any more", lambda: self.status("alice")["note"] == "")

    def test_more_journals_than_the_network_survives(self):
        net = self.network
        for name in ("bob", "carol"):
            net.kill(name, 15)
            shutil.rmtree(net.file(f"{name}-data/journal"))
            net.start_only(name)
        self.eventually("alice says so", lambda: not self.status("alice")["ordering"])
        note = self.status("alice")["note"]
        self.assertIn("2 of 4 sign, 3 needed: nothing is ordered", note)
        self.assertIn("bob, carol", note)
        self.assertEqual(self.health("alice"), (503, note))
        self.assertIn("NOTHING IS ORDERED", net.must("status", "--url", net.url("alice")).out)
        with urllib.request.urlopen(net.url("alice") + "/metrics", timeout=10) as answer:
            metrics = answer.read().decode()
        self.assertRegex(metrics, r"(?m)^tally_ordering 0$")
        self.assertRegex(metrics, r'(?m)^tally_peer_signing\{peer="carol"\} 0$')
        self.assertEqual(self.doctor("alice")["agreement"]["state"], "failed")
        self.eventually("so does its log", lambda: "of whom 2 sign nothing" in net.log("alice"))


if __name__ == "__main__":
    unittest.main()
