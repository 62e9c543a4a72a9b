"""What was signed is kept as long as the charter says, by all together: any participant may lose its disk, and then
another, and every batch can still be rebuilt; what is older is dropped, and nobody who was away is lost for it."""

import shutil
import signal
import sys
import time
import unittest

from network import Network

PROGRAM = sys.argv.pop(1)
APPLIED, REJECTED = 0, 1


class Kept(unittest.TestCase):
    def begin(self, **parameters):
        # Of so few transactions each is a batch, and coded.
        self.network = Network(PROGRAM, parameters={"coded_bytes_min": 64, **parameters})
        self.addCleanup(self.network.close)
        self.network.start(*Network.NAMES)
        self.count = 0

    def work(self, transactions, to=("alice", "bob", "carol", "dave")):
        for _ in range(transactions):
            self.count += 1
            change = {"_id": "item$1", "name": f"item {self.count} {'x' * 300}", "price": self.count}
            ended = self.network.submit([change], to=to[self.count % len(to)])
            self.assertEqual(ended.code, APPLIED, ended.said)

    def status(self, name):
        return self.network.run("status", "--json", "--url", self.network.url(name)).json()

    def wait_until(self, name, is_so, what, seconds=90):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ended = self.network.run("status", "--json", "--url", self.network.url(name))
            if ended.code == 0 and is_so(ended.json()):
                return ended.json()
            time.sleep(0.05)
        self.fail(f"{name} {what}: {ended.said}\n{self.network.log(name)}")

    def urls(self, names):
        return [argument for name in names for argument in ("--url", self.network.url(name))]

    def fetch(self, participant, batch, names, *options):
        return self.network.run("fetch", participant, str(batch), "--charter", self.network.charter, "--json",
                                *self.urls(names), *options)

    def batches(self, name="alice"):
        """(participant, number) of all that are kept."""
        return [(lane["participant"], number) for lane in self.status(name)["lanes"]
                for number in range(lane["kept_from"], lane["height"] + 1)]

    def fetch_all(self, names):
        fetched = {}
        for participant, number in self.batches(names[0]):
            ended = self.fetch(participant, number, names)
            self.assertEqual(ended.code, APPLIED, ended.said)
            said = ended.json()
            self.assertEqual(len(said["from"]), 2, "so many are enough of four")
            fetched[participant, number] = (said["bytes"], said["transactions"])
        return fetched

    def lose_disk(self, name):
        self.network.kill(name)
        shutil.rmtree(self.network.file(f"{name}-data"))
        # In so small a history every slot counts; and so slowly that one can watch.
        self.network.write_config(name, snapshot_after_slots=1, restore_bytes_per_s=4_096)
        self.network.start_only(name)
        going = self.wait_until(name, lambda said: said["storage"]["slots_to_go"] > 0, "does not restore")
        self.assertTrue(going["storage"]["restoring"])
        self.assertIn("slot(s) to go", self.network.must("status", "--url", self.network.url(name)).out)
        over = self.wait_until(name, lambda said: not said["storage"]["restoring"] and said["catching_up"] is None,
                               "does not end restoring")
        self.assertGreater(over["storage"]["restored_batches"], 10)
        self.assertGreater(over["ledgers"][0]["history"], 0, "its state was loaded, not executed")
        self.assertFalse(over["signing"], "what it signed nobody knows")
        self.assertIn("all cells that this participant should keep are here", self.network.log(name))
        # What was not flushed yet is lost once more, and got back once more.
        self.network.kill(name)
        self.network.write_config(name, snapshot_after_slots=1)
        self.network.start_only(name)
        self.wait_until(name, lambda said: not said["storage"]["restoring"] and said["catching_up"] is None
                        and said["slot"] >= over["slot"], "does not end restoring after a kill")

    def test_one_loses_its_disk_and_then_another_and_all_is_there(self):
        self.begin()
        self.work(60)
        before = self.fetch_all(["alice", "bob"])
        signed = [one["id"] for _, transactions in before.values() for one in transactions]
        self.assertEqual(len(set(signed)), self.count, "each transaction, as it was signed")
        self.lose_disk("dave")
        self.lose_disk("carol")
        self.network.kill("alice")
        self.network.kill("bob")
        self.assertEqual(self.fetch_all(["carol", "dave"]), before)
        # An outsider sees as much, and which parts it cannot ask for.
        sample = ("sample", "--charter", self.network.charter, "--batches", "3")
        ended = self.network.run(*sample, "--json", *self.urls(["carol", "dave"]))
        self.assertEqual(ended.code, APPLIED, ended.said)
        self.assertTrue(all(batch["available"] and batch["rebuilt"] for batch in ended.json()["batches"]))
        ended = self.network.run(*sample, *self.urls(["carol"]))
        self.assertEqual(ended.code, REJECTED, ended.said)
        self.assertIn("NOT ALL IS AVAILABLE", ended.out)
        # And whoever scrubs finds nothing amiss.
        for name in ("carol", "dave"):
            ended = self.network.must("scrub", "--config", self.network.file(f"{name}.toml"))
            self.assertIn("nothing", ended.out.lower())

    def test_each_audits_the_others(self):
        self.begin()
        deadline = time.monotonic() + 120
        passed = []
        # A round is every 64 slots, and every ten seconds at most, and about what was ordered before.
        while time.monotonic() < deadline and not (passed and all(passed)):
            self.work(10)
            passed = [peer["audits"]["passed"] for name in Network.NAMES for peer in self.status(name)["peers"]
                      if "audits" in peer]
        self.assertEqual(len(passed), 12, "each asks each of the others")
        self.assertTrue(all(passed), passed)
        for name in Network.NAMES:
            for peer in self.status(name)["peers"]:
                audits = peer.get("audits", {"keeps": True, "missed": 0})
                self.assertEqual((audits["keeps"], audits["missed"]), (True, 0), (name, peer))
        self.assertIn("audits passed", self.network.must("status", "--url", self.network.url("alice")).out)

    def test_a_sample_says_how_sure_it_is(self):
        self.begin()
        self.work(8)
        ended = self.network.run("sample", "--charter", self.network.charter, "--json", *self.urls(Network.NAMES))
        self.assertEqual(ended.code, APPLIED, ended.said)
        said = ended.json()
        self.assertEqual(len(said["batches"]), 5)
        for batch in said["batches"]:
            self.assertEqual((batch["asked"], batch["answered"], batch["rebuilt"]), (20, 20, False))
        self.assertLess(said["fooled_at_most"], 2e-7)
        self.assertGreater(said["fooled_at_most"], 1e-8)
        ended = self.network.run("sample", "--charter", self.network.charter, *self.urls(Network.NAMES))
        self.assertIn("probability of at most 1e-07", ended.out)

    def test_what_is_older_than_the_charter_wants_is_dropped(self):
        self.begin(retention_slots=8, retention_us=0, whole_slots=2, whole_us=0)
        self.work(4)
        self.network.kill("dave", signal.SIGTERM)
        self.work(40, to=("alice", "bob", "carol"))
        said = self.wait_until("alice", lambda said: said["storage"]["cells_since_slot"] > 10, "drops nothing")
        self.assertGreater(said["storage"]["whole_since_slot"], said["storage"]["cells_since_slot"])
        ended = self.fetch("alice", 1, ["alice", "bob", "carol"])
        self.assertNotEqual(ended.code, APPLIED)
        self.assertIn("unknown_batch", ended.said)
        self.fetch_all(["alice", "bob"])
        # Nobody can give what dave missed: it takes their states, whatever its configuration would rather.
        self.network.write_config("dave", snapshot_after_slots=0)
        self.network.start("dave")
        newest = self.status("alice")["ledgers"][0]["executed"]
        found = self.wait_until("dave", lambda said: said["ledgers"][0]["executed"] >= newest, "does not catch up")
        self.assertGreater(found["ledgers"][0]["history"], 0)
        self.work(2, to=("dave",))
        rows = self.network.must("query", "items", "item", "--limit", "1000", "--json",
                                 "--url", self.network.url("dave")).json()["rows"]
        self.assertEqual(sorted(row["price"] for row in rows), list(range(1, self.count + 1)))

    def test_batches_are_shown_to_those_who_may_read_everything(self):
        read_some = {"_id": "_rule$read", "id": "read-names", "collection": "item", "predicates": ["name"], "ops": ["read"]}
        self.begin_with(read_some)
        self.work(1, to=("alice",))
        ended = self.fetch("alice", 1, ["alice", "bob"])
        self.assertNotEqual(ended.code, APPLIED)
        self.assertIn("not_permitted", ended.said)
        ended = self.network.run("sample", "--charter", self.network.charter, *self.urls(["alice", "bob"]))
        self.assertNotEqual(ended.code, APPLIED)
        self.assertIn("you may not read this", ended.said)
        ended = self.fetch("alice", 1, ["alice", "bob"], "--key", self.auditor)
        self.assertEqual(ended.code, APPLIED, ended.said)

    def begin_with(self, public_rule):
        import json
        from network import READ_ALL, schema

        def genesis(network):
            self.auditor = network.file("auditor.key")
            auditor = network.must("keys", "new", self.auditor, "--json").json()["did"]
            clerk = network.must("keys", "show", network.clerk, "--json").json()["did"]
            changes = [one for one in schema(clerk) if one["_id"] != READ_ALL["_id"]]
            changes.insert(3, public_rule)
            changes += [{**READ_ALL, "_id": "_rule$all"},
                        {"_id": "_role$auditor", "id": "auditor", "rules": ["_rule$all"]},
                        {"_id": "_auth$2", "id": auditor, "roles": ["_role$auditor"]}]
            return json.dumps(changes)

        self.network = Network(PROGRAM, genesis=genesis, parameters={"coded_bytes_min": 64})
        self.addCleanup(self.network.close)
        self.network.start(*Network.NAMES)
        self.count = 0


if __name__ == "__main__":
    unittest.main(verbosity=2)
