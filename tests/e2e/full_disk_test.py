"""A disk that fills in the middle of a load: the participant says so and ends by itself, serves nothing half loaded,
does not start without room, and when there is room again it loads the rest, executes and signs."""

import os
import shutil
import subprocess
import sys
import time
import unittest
from pathlib import Path

from network import Network, in_own_mounts

PROGRAM = sys.argv[1]
APPLIED, USAGE, UNKNOWN, UNREACHABLE = 0, 2, 3, 4


class FullDisk(unittest.TestCase):
    def mount(self, folder, size, *options):
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "tmpfs", folder], check=True)

    def end_of(self, name):
        """Its exit code, once it has ended by itself."""
        return self.network.processes.pop(name).wait(120)

    def work(self, transactions):
        for _ in range(transactions):
            self.count += 1
            ended = self.network.submit({"_id": "item$1", "name": f"item {self.count}", "price": self.count})
            self.assertEqual(ended.code, APPLIED, ended.said)

    def ledger(self, name):
        return self.network.must("status", "--json", "--url", self.network.url(name)).json()["ledgers"][0]

    def test_in_the_middle_of_a_load(self):
        self.count = 0
        net = self.network = Network(PROGRAM)
        self.addCleanup(net.close)
        net.write_config("dave", snapshot_after_slots=5)
        net.start(*Network.NAMES)
        self.work(12)
        # Its database is lost, and the new one is on a disk of its own.
        net.kill("dave")
        database = net.file("dave-data/database")
        shutil.rmtree(database)
        os.mkdir(database)
        self.mount(database, "512m")
        self.addCleanup(subprocess.run, ["umount", "--lazy", database], check=False)
        # It starts while nobody answers, and the room is gone before they do.
        for name in ("alice", "bob", "carol"):
            net.kill(name)
        net.start_only("dave")
        self.wait_for_log("far behind")
        self.mount(database, "32m", "remount")
        net.start_only("alice", "bob", "carol")
        self.assertEqual(self.end_of("dave"), UNREACHABLE, net.log("dave"))
        log = net.log("dave")
        self.assertIn("catching up: loading 1 ledger", log)
        self.assertIn("No space left", log)
        self.assertIn("Check the disk's space", log)
        self.assertIn("signing_stopped", log)
        self.work(3)

        # Without room it does not start, and touches nothing.
        before = sorted(path.name for path in Path(database).iterdir() if path.suffix == ".sst")
        ended = net.run("node", "--config", net.file("dave.toml"))
        self.assertNotEqual(ended.code, APPLIED)
        self.assertIn("No space left", ended.said)
        self.assertEqual(sorted(path.name for path in Path(database).iterdir() if path.suffix == ".sst"), before)

        self.mount(database, "512m", "remount")
        net.start("dave")
        self.work(2)
        deadline = time.monotonic() + 120
        while self.ledger("dave")["executed"] != self.ledger("alice")["executed"]:
            self.assertLess(time.monotonic(), deadline, net.log("dave"))
            time.sleep(0.1)
        self.assertEqual(self.ledger("dave")["header"], self.ledger("alice")["header"])
        rows = net.must("query", "items", "item", "--limit", "1000", "--json", "--url", net.url("dave")).json()["rows"]
        self.assertEqual(sorted(row["price"] for row in rows), list(range(1, self.count + 1)))
        while "dave" in self.ledger("alice")["not_yet_signed_by"]:
            self.assertLess(time.monotonic(), deadline, net.log("dave"))
            self.work(1)

    def wait_for_log(self, words):
        deadline = time.monotonic() + 60
        while words not in self.network.log("dave"):
            self.assertLess(time.monotonic(), deadline, self.network.log("dave"))
            time.sleep(0.05)


if __name__ == "__main__":
    if not in_own_mounts():
        print("nothing may be mounted here, so no disk can be made to fill")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
