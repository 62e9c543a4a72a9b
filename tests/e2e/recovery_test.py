"""More journals are lost than the network survives: it stops safely, and a recovery charter begins its next epoch with
all that was decided. What may not be signed, applied or started is refused."""

import shutil
import signal
import sys
import time
import unittest
from pathlib import Path

from network import Network

PROGRAM = sys.argv[1]
APPLIED, REJECTED, USAGE = 0, 1, 2


class RecoveryTest(unittest.TestCase):
    def setUp(self):
        self.net = Network(PROGRAM)
        for name in Network.NAMES:  # Each operator has a copy of its own.
            shutil.copy(self.net.charter, self.net.file(f"{name}.charter"))
            self.net.write_config(name, charter=f"{name}.charter")

    def tearDown(self):
        self.net.close()

    def status(self, name):
        return self.net.must("status", "--json", "--url", self.net.url(name)).json()

    def wait_until(self, what, done, seconds=60):
        deadline = time.monotonic() + seconds
        while not done():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.1)

    def add(self, name, to="alice", charter="alice.charter"):
        self.net.charter = self.net.file(charter)
        ended = self.net.submit({"_id": "item$1", "name": name}, "--wait", "final", to=to)
        self.assertEqual(ended.code, APPLIED, ended.said)

    def stop(self):
        for name in list(self.net.processes):
            self.net.kill(name, signal.SIGTERM)

    def state(self, name, out, *options):
        return self.net.must("recovery", "statement", "--config", self.net.file(f"{name}.toml"), "--out",
                             self.net.file(out), "--json", *options).json()

    def draft(self, out, *statements):
        return self.net.run("recovery", "draft", *(self.net.file(one) for one in statements), "--charter",
                            self.net.file("alice.charter"), "--out", self.net.file(out))

    def sign(self, file, name):
        return self.net.run("recovery", "sign", self.net.file(file), "--config", self.net.file(f"{name}.toml"))

    def apply(self, file, name):
        return self.net.run("recovery", "apply", self.net.file(file), "--config", self.net.file(f"{name}.toml"))

    def refused(self, ended, code, exit_code=USAGE):
        self.assertEqual(ended.code, exit_code, ended.said)
        self.assertIn(f"[{code}]", ended.err)

    def verify(self, proof, charter):
        return self.net.run("verify", self.net.file(proof), "--charter", self.net.file(charter))

    def prove(self, item, proof):
        self.net.must("proof", "subject", "items", f"item/name={item}", "--out", self.net.file(proof), "--url",
                      self.net.url("alice"))

    def lose_two_journals(self):
        for name in ("carol", "dave"):
            self.net.kill(name)
            shutil.rmtree(self.net.file(f"{name}-data/journal"))
        self.net.start("carol", "dave")
        for name in ("carol", "dave"):
            self.wait_until(f"{name} does not notice", lambda: self.status(name)["journal_lost"])

    def test_two_of_four_lose_their_journals_and_the_network_goes_on_in_the_next_epoch(self):
        net = self.net
        net.start(*Network.NAMES)
        for number in range(5):
            self.add(f"item {number}", to=Network.NAMES[number % 4])
        self.prove("item 1", "old.proof")
        shutil.copy(net.file("alice.charter"), net.file("old.charter"))

        # A statement of now, which will be outdated.
        self.stop()
        for name in ("alice", "bob", "carol"):
            self.state(name, f"{name}.early")
        self.assertEqual(self.draft("early.recovery", "alice.early", "bob.early", "carol.early").code, APPLIED)
        net.start(*Network.NAMES)
        self.add("item 5")
        self.lose_two_journals()
        stalled = net.submit({"_id": "item$1", "name": "nobody orders this"}, "--timeout", "2000")
        self.assertNotEqual(stalled.code, APPLIED)

        running = net.run("recovery", "statement", "--config", net.file("alice.toml"), "--out", net.file("x"))
        self.refused(running, "database_locked")
        self.stop()
        self.refused(self.sign("early.recovery", "alice"), "recovery_gives_up_more")

        known = [self.state(name, f"{name}.statement")["last_slot"] for name in ("alice", "bob", "carol")]
        self.state("dave", "dave.statement", "--new-keys", net.file("dave-1.keys"))
        self.refused(self.draft("few.recovery", "alice.statement", "bob.statement"), "recovery_too_few")
        self.refused(self.draft("twice.recovery", "alice.statement", "bob.statement", "bob.statement"),
                     "recovery_bad_statement")
        everyone = [f"{name}.statement" for name in Network.NAMES]
        self.assertEqual(self.draft("next.recovery", *everyone).code, APPLIED)
        self.assertEqual(self.draft("other.recovery", *everyone[:3]).code, APPLIED)
        shown = net.must("recovery", "show", net.file("next.recovery"), "--charter", net.file("alice.charter"),
                         "--json").json()
        self.assertEqual((shown["epoch"], shown["last_slot"], shown["complete"]), (1, max(known), False))

        # Without its own new keys dave does not sign; nobody signs two.
        self.refused(self.sign("other.recovery", "dave"), "recovery_other_keys")
        for name in ("alice", "dave"):
            self.assertEqual(self.sign("next.recovery", name).code, APPLIED)
        self.refused(self.sign("other.recovery", "alice"), "recovery_signed_another")
        self.refused(self.apply("next.recovery", "alice"), "recovery_too_few_signed")
        self.refused(net.run("node", "--config", net.file("alice.toml")), "part_in_epoch_ended")
        self.assertEqual(self.sign("next.recovery", "bob").code, APPLIED)
        self.bent_after_signing("next.recovery")
        for name in ("alice", "bob", "dave"):
            self.enter(name)
        again = net.must("recovery", "apply", net.file("next.recovery"), "--config", net.file("bob.toml"), "--json")
        self.assertTrue(again.json()["already_applied"])
        self.refused(net.run("node", "--config", net.file("dave.toml")), "not_a_founder")
        net.write_config("dave", charter="dave.charter", keys="dave-1.keys")

        net.start(*Network.NAMES)
        for name in ("alice", "bob", "dave"):
            self.wait_until(f"{name} does not sign", lambda: self.status(name)["signing"])
            self.assertEqual(self.status(name)["epoch"], 1)
        self.stays_behind("carol")
        for name in Network.NAMES:
            self.wait_until(f"{name} does not sign", lambda: self.status(name)["signing"])
        for number, name in enumerate(Network.NAMES):
            self.add(f"next {number}", to=name)
        rows = net.must("query", "items", "item", "--json", "--url", net.url("dave")).out
        for item in [f"item {number}" for number in range(6)] + ["next 0", "next 3"]:
            self.assertIn(f'"{item}"', rows)

        # Old proofs hold still; new ones need the charter that names the epoch.
        self.prove("next 2", "new.proof")
        self.assertEqual(self.verify("old.proof", "alice.charter").code, APPLIED)
        self.assertEqual(self.verify("old.proof", "old.charter").code, APPLIED)
        self.assertEqual(self.verify("new.proof", "bob.charter").code, APPLIED)
        self.refused(self.verify("new.proof", "old.charter"), "proof_bad_certificate", REJECTED)

        # In the new epoch a journal is a promise as before.
        net.kill("bob")
        net.start("bob")
        self.wait_until("bob does not come back", lambda: self.status("bob")["signing"])
        self.add("after a crash", to="bob")
        net.kill("carol")
        shutil.rmtree(net.file("carol-data"))
        net.start("carol")
        self.wait_until("carol does not notice", lambda: self.status("carol")["journal_lost"])
        self.add("with carol lost")
        self.wait_until("carol does not follow", lambda: self.status("carol")["ledgers"][0]["header"] ==
                        self.status("alice")["ledgers"][0]["header"])
        self.assertFalse(self.status("carol")["signing"])

        # A charter that does not name the epoch is refused.
        net.kill("carol", signal.SIGTERM)
        net.write_config("carol", charter="old.charter")
        self.refused(net.run("node", "--config", net.file("carol.toml")), "charter_of_older_epoch")

    def bent_after_signing(self, file):
        """A signature that is there and does not hold is called so, with whose it is, and nobody signs beside it."""
        content = bytearray(Path(self.net.file(file)).read_bytes())
        content[-1] ^= 1
        Path(self.net.file("bent.recovery")).write_bytes(content)
        for refused in (self.apply("bent.recovery", "alice"), self.sign("bent.recovery", "carol")):
            self.refused(refused, "recovery_bad_signature")
            self.assertIn("that of dave", refused.err)
            self.assertIn("get it again", refused.err)
        asked = ("recovery", "show", self.net.file("bent.recovery"), "--charter", self.net.file("alice.charter"))
        shown = self.net.run(*asked)
        self.assertEqual(shown.code, REJECTED, shown.said)
        self.assertIn("dave, SIGNATURE NOT VALID", shown.out)
        self.assertIn("NOT VALID: the signature of dave", shown.err)
        told = self.net.run(*asked, "--json")
        self.assertEqual(told.code, REJECTED, told.said)
        self.assertEqual((told.json()["invalid_signatures"], told.json()["complete"]), (["dave"], False))

    def enter(self, name):
        applied = self.apply("next.recovery", name)
        self.assertEqual(applied.code, APPLIED, applied.said)
        self.assertTrue(Path(self.net.file(f"{name}-data/journal.epoch-0")).is_dir())

    def stays_behind(self, name):
        """Whoever was not told of the next epoch notices, says so, takes nothing, and enters late."""
        net = self.net
        self.wait_until(f"{name} does not notice", lambda: self.status(name)["newer_epoch"] == 1)
        status = self.status(name)
        self.assertEqual(status["epoch"], 0)
        self.assertIn("the others take part in epoch 1", status["note"])
        refused = net.submit({"_id": "item$1", "name": "too late"}, to=name)
        self.assertIn("[epoch_over]", refused.err)
        self.wait_until("alice does not hear in which epochs the others are", lambda: {
            peer["name"]: peer.get("epoch") for peer in self.status("alice")["peers"]} == {
                "alice": 1, "bob": 1, "dave": 1, name: 0})
        net.kill(name, signal.SIGTERM)
        self.enter(name)
        net.start(name)

    def recover(self, number):
        """All four state, sign and apply the next one, without a start in between."""
        for name in Network.NAMES:
            self.state(name, f"{name}.statement-{number}")
        file = f"{number}.recovery"
        self.assertEqual(self.draft(file, *(f"{name}.statement-{number}" for name in Network.NAMES)).code, APPLIED)
        for name in Network.NAMES:
            signed = self.sign(file, name)
            self.assertEqual(signed.code, APPLIED, signed.said)
        for name in Network.NAMES:
            applied = self.apply(file, name)
            self.assertEqual(applied.code, APPLIED, applied.said)

    def test_two_epochs_later_with_databases_lost_and_charters_copied(self):
        net = self.net
        net.start(*Network.NAMES)
        for number in range(12):
            self.add(f"item {number}", to=Network.NAMES[number % 4])
        self.stop()
        self.recover(1)
        self.recover(2)  # Epoch 1 has decided nothing, and not everybody holds the same quorum's votes.

        # A charter that was copied, beside the journal of an earlier epoch, is no trap.
        journal = Path(net.file("alice-data/journal"))
        Path(net.file("alice-data/journal.epoch-0")).rename(journal)
        self.refused(net.run("node", "--config", net.file("alice.toml")), "journal_of_old_epoch")
        self.assertEqual(self.apply("2.recovery", "alice").code, APPLIED)
        self.assertFalse(journal.exists())

        # One comes back by execution, one by loading states: both are needed, and sign.
        for name, after in (("bob", 0), ("carol", 1)):
            shutil.rmtree(net.file(f"{name}-data/database"))
            net.write_config(name, charter=f"{name}.charter", snapshot_after_slots=after)
        net.start("alice", "bob", "carol")
        for name in ("alice", "bob", "carol"):
            self.wait_until(f"{name} does not sign", lambda: self.status(name)["signing"])
            self.assertEqual(self.status(name)["epoch"], 2)
        self.add("without dave", to="carol")
        net.kill("carol")
        shutil.rmtree(net.file("carol-data/database"))
        net.start("carol")
        self.wait_until("carol does not sign without her database", lambda: self.status("carol")["signing"])
        self.add("carol again", to="carol")
        rows = net.must("query", "items", "item", "--json", "--url", net.url("bob")).out
        for item in ("item 0", "item 11", "without dave", "carol again"):
            self.assertIn(f'"{item}"', rows)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
