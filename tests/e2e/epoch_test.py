"""Participants join, leave and change keys on a running network under load: one becomes four with the same ledger and
history, one leaves, a key and a parameter change; and an outsider follows who takes part from the founder on."""

import json
import shutil
import signal
import sys
import threading
import time
import unittest
from pathlib import Path

from network import Network

PROGRAM = sys.argv[1]
APPLIED, REJECTED, USAGE = 0, 1, 2


class EpochTest(unittest.TestCase):
    def setUp(self):
        self.net = Network(PROGRAM, founders=["alice"])
        self.acknowledged = []
        self.last_refusal = ""
        self.loading = threading.Event()
        for name in Network.NAMES:  # Each operator has a copy of its own.
            shutil.copy(self.net.charter, self.net.file(f"{name}.charter"))
            self.net.write_config(name, charter=f"{name}.charter")

    def tearDown(self):
        self.loading.clear()
        self.net.close()

    def status(self, name):
        ended = self.net.run("status", "--json", "--url", self.net.url(name))
        return ended.json() if ended.code == 0 else {}

    def wait_until(self, what, done, seconds=90):
        deadline = time.monotonic() + seconds
        while not done():
            self.assertLess(time.monotonic(), deadline, f"{what}: {[self.net.log(n)[-800:] for n in self.net.processes]}")
            time.sleep(0.1)

    def load(self, names):
        """Submits one item after the other, to each in turn, until told to stop; whoever hears nothing asks again."""
        number = len(self.acknowledged)
        while self.loading.is_set():
            number += 1
            item = f"item {number}"
            for attempt in range(20):
                ended = self.net.run("tx", "submit", json.dumps({"_id": "item$1", "name": item}), "--key", self.net.clerk,
                                     "--charter", self.net.file("alice.charter"), "--ledger", "items",
                                     "--url", self.net.url(names[(number + attempt) % len(names)]))
                # It was another attempt, whose answer was lost, if the name is taken.
                if ended.code == APPLIED or "unique" in ended.said:
                    self.acknowledged.append(item)
                    break
                self.last_refusal = ended.said
                time.sleep(0.1)

    def under_load(self, names, do):
        before = len(self.acknowledged)
        self.loading.set()
        loader = threading.Thread(target=self.load, args=(names,))
        loader.start()
        try:
            do()
        finally:
            time.sleep(0.5)
            self.loading.clear()
            loader.join(60)
        self.assertFalse(loader.is_alive())
        self.assertGreater(len(self.acknowledged), before, self.last_refusal)

    def entry(self, name):
        keys = self.net.must("keys", "show", self.net.file(f"{name}.keys"), "--json").json()
        return [f'[[participant]]\nname = "{name}"\naddress = "127.0.0.1:{self.net.peer_ports[name]}"'] + [
            f'{key} = "{keys[key]}"' for key in ("identity", "signing", "opening")]

    def propose(self, number, text, voters, attempt=1):
        """Drafted and voted for; the file's name."""
        file = self.net.file(f"{number}.epoch")
        draft = self.net.file(f"{number}.toml")
        Path(draft).write_text("\n".join(text) + "\n")
        charter = ("--charter", self.net.file("alice.charter"))
        self.net.must("epoch", "draft", draft, *charter, "--out", file, "--attempt", str(attempt))
        for name in voters:
            self.net.must("epoch", "vote", file, *charter, "--keys", self.net.file(f"{name}.keys"))
        return file

    def submit(self, file, to="alice"):
        return self.net.run("epoch", "submit", file, "--url", self.net.url(to), "--timeout", "90", "--json", timeout=120)

    def in_epoch(self, epoch, names):
        for name in names:
            self.wait_until(f"{name} is not in epoch {epoch}", lambda: self.status(name).get("epoch") == epoch and
                            self.status(name).get("signing"))

    def items(self, name):
        rows = self.net.must("query", "items", "item", "--limit", "10000", "--json", "--url", self.net.url(name)).json()
        return {row["name"] for row in rows["rows"]}

    def all_have(self, names):
        for name in names:
            self.wait_until(f"{name} lacks items", lambda: set(self.acknowledged) <= self.items(name))
        headers = lambda: {self.status(name)["ledgers"][0]["header"] for name in names}
        self.wait_until("not all have the same block", lambda: len(headers()) == 1)

    def test_one_becomes_four_one_leaves_and_keys_change(self):
        net = self.net
        net.start_only("alice")
        self.wait_until("alice does not sign", lambda: self.status("alice").get("signing"))
        network = self.status("alice")["network"]
        signing = net.must("keys", "show", net.file("alice.keys"), "--json").json()["signing"]
        others = Network.NAMES[1:]

        few = self.propose("few", ["leave = []"] + sum((self.entry(n) for n in others), []), [])
        refused = self.submit(few)
        self.assertEqual(refused.code, USAGE, refused.said)
        self.assertIn("epoch_too_few_votes", refused.said)

        def grow():
            file = self.propose("grow", sum((self.entry(n) for n in others), []), ["alice"])
            for name in others:
                net.write_config(name, charter=f"{name}.charter", join="grow.epoch", snapshot_after_slots=3)
            net.start_only(*others)
            began = self.submit(file)
            self.assertEqual(began.code, APPLIED, began.said)
            self.in_epoch(1, Network.NAMES)

        self.under_load(["alice"], grow)
        self.assertEqual(self.status("alice")["network"], network)
        self.assertEqual(self.status("bob")["losses_survived"], 1)
        self.assertNotEqual(signing, net.must("keys", "show", net.file("alice.keys"), "--json").json()["signing"],
                            "the old epoch's key is replaced")
        self.under_load(Network.NAMES, lambda: time.sleep(2))
        self.all_have(Network.NAMES)

        # One may be lost now: also the one who was alone before, with all that it had.
        net.kill("alice")
        self.under_load(others, lambda: time.sleep(2))
        shutil.rmtree(net.file("alice-data/database"))
        net.start_only("alice")
        self.wait_until("alice does not come back", lambda: self.status("alice").get("signing"))
        self.all_have(Network.NAMES)

        # dave leaves; bob, who lost his machine with his keys, gets another identity key; a parameter changes.
        shutil.copy(net.file("alice-data/charter"), net.file("alice.charter"))
        net.kill("bob")
        shutil.move(net.file("bob.keys"), net.file("bob-1.keys"))
        net.must("keys", "new", "--participant", net.file("bob.keys"))

        def change():
            file = self.propose("change", ['leave = ["dave"]', *self.entry("bob"), "[parameters]",
                                           "late_after_us = 250000"], ["alice", "carol", "dave"])
            net.write_config("bob", charter="alice.charter", data="bob-2-data", join="change.epoch",
                             snapshot_after_slots=3)
            net.start_only("bob")
            began = self.submit(file, to="carol")
            self.assertEqual(began.code, APPLIED, began.said)

        self.under_load(["alice", "carol"], change)
        left = ["alice", "bob", "carol"]
        self.in_epoch(2, left)
        self.wait_until("dave does not end", lambda: net.processes["dave"].poll() is not None)
        self.assertEqual(net.processes.pop("dave").returncode, 0, net.log("dave"))
        net.write_config("bob", config="bob-1", charter="alice.charter", keys="bob-1.keys")
        for old in ("bob-1", "dave"):
            refused = net.run("node", "--config", net.file(f"{old}.toml"))
            self.assertEqual(refused.code, USAGE, refused.said)
            self.assertIn("[not_a_founder]", refused.err)
        self.under_load(left, lambda: time.sleep(1))
        self.all_have(left)

        # Everything is in the charter that any of them serves.
        shown = net.must("charter", "show", net.file("alice-data/charter"), "--json").json()
        self.assertEqual(shown["network"], network)
        self.assertEqual([one["begun_by"] for one in shown["later_epochs"]], ["decision", "decision"])
        self.assertEqual([one["name"] for one in shown["taking_part_now"]], left)
        self.assertEqual(shown["parameters_now"]["late_after_us"], 250000)
        for number in (1, len(self.acknowledged)):  # Of the first epoch, and of the last.
            proof = net.file(f"{number}.proof")
            net.must("proof", "subject", "items", f"item/name=item {number}", "--out", proof, "--url", net.url("bob"))
            verified = net.run("verify", proof, "--charter", net.file("carol-data/charter"))
            self.assertEqual(verified.code, APPLIED, verified.said)
            if number > 1:
                refused = net.run("verify", proof, "--charter", net.charter)
                self.assertEqual(refused.code, REJECTED, refused.said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
