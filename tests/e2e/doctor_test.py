"""`tally doctor` finds what is wrong with a participant, running or not, and says what to do."""

import json
import os
import signal
import socket
import stat
import sys
import time
import unittest
from pathlib import Path

from network import Network, free_ports

PROGRAM = sys.argv.pop(1)
OK, FAILED = 0, 1


class Doctor(unittest.TestCase):
    def setUp(self):
        self.network = Network(PROGRAM)
        self.addCleanup(self.network.close)

    def doctor(self, name="alice"):
        """The exit code, and each check's state and words."""
        ended = self.network.run("doctor", "--config", self.network.file(f"{name}.toml"), "--json")
        told = ended.json()
        self.assertEqual(told["ok"], ended.code == OK)
        self.assertEqual(told["failed"], sum(one["state"] == "failed" for one in told["checks"]))
        for one in told["checks"]:
            self.assertIn(one["state"], ("ok", "warning", "failed"))
            if one["state"] != "ok":
                self.assertTrue(one["why"] and one["next"], one)
        return ended.code, {one["check"]: one for one in told["checks"]}

    def test_before_the_first_start(self):
        code, checks = self.doctor()
        self.assertEqual(code, OK, checks)
        for check in ("configuration", "charter", "key file", "keys", "data", "HTTP port", "peer port", "open files", "sync latency"):
            self.assertEqual(checks[check]["state"], "ok", checks[check])
        self.assertIn("free", checks["HTTP port"]["what"])
        self.assertIn("clock", checks)
        self.assertEqual(checks["peer bob"]["state"], "warning")
        self.assertEqual(sorted(path.name for path in self.network.folder.iterdir() if "doctor" in path.name), [])
        self.assertFalse(Path(self.network.file("alice-data")).exists(), "it makes nothing")

    def test_while_it_runs(self):
        net = self.network
        net.start(*Network.NAMES)
        net.submit({"_id": "item$1", "name": "first"})
        code, checks = self.doctor()
        self.assertEqual(code, OK, checks)
        for check in ("HTTP port", "peer port", "agreement", "peer bob", "peer carol", "peer dave", "ledger items", "data owner"):
            self.assertEqual(checks[check]["state"], "ok", checks[check])
        self.assertIn("held by the participant", checks["peer port"]["what"])
        self.assertIn("within 300 ms of 3 peers", checks["clock against peers"]["what"])
        for people in net.run("doctor", "--config", net.file("alice.toml")).out.splitlines()[-1:]:
            self.assertRegex(people, r"^\d+ checks: 0 failed, \d+ warnings$")

        net.kill("bob")
        net.kill("carol")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.doctor()[0] == OK:
            time.sleep(0.5)
        code, checks = self.doctor()
        self.assertEqual(code, FAILED)
        self.assertIn("2 of 4 heard", checks["agreement"]["why"])
        self.assertEqual(checks["peer bob"]["state"], "warning")
        self.assertEqual(checks["peer dave"]["state"], "ok")

    def test_peers_of_one_that_does_not_run(self):
        net = self.network
        net.start("bob", "carol", "dave")
        code, checks = self.doctor()
        self.assertEqual(code, OK)
        for peer in ("peer bob", "peer carol", "peer dave"):
            self.assertEqual(checks[peer]["state"], "ok", checks[peer])
            self.assertIn("both sides proved who they are", checks[peer]["what"])
        net.start("alice")
        self.assertEqual(net.submit({"_id": "item$1", "name": "after"}).code, OK)
        net.kill("alice", signal.SIGTERM)
        self.assertIn("journal of 1 files", self.doctor()[1]["data"]["what"])

    def test_what_is_wrong_with_files(self):
        net = self.network
        keys = Path(net.file("alice.keys"))
        keys.chmod(0o644)
        code, checks = self.doctor()
        self.assertEqual((code, checks["key file"]["state"]), (FAILED, "failed"))
        self.assertIn("chmod 400", checks["key file"]["next"])
        keys.chmod(0o600)
        config = Path(net.file("alice.toml"))
        config.chmod(0o666)
        self.assertEqual(self.doctor()[1]["configuration"]["state"], "warning")
        config.chmod(0o644)

        net.write_config("alice", "strange", keys="bob.keys")
        code, checks = self.doctor("strange")  # Those of another: it would run as bob.
        self.assertIn("bob's", checks["keys"]["what"])
        net.must("keys", "new", "--participant", net.file("nobody.keys"))
        net.write_config("alice", "strange", keys="nobody.keys")
        self.assertEqual(self.doctor("strange")[1]["keys"]["state"], "failed")
        net.write_config("alice", "strange", keys="missing.keys")
        self.assertEqual(self.doctor("strange")[1]["key file"]["state"], "failed")
        net.write_config("alice", "strange", charter="alice.keys")
        self.assertEqual(self.doctor("strange")[1]["charter"]["state"], "failed")
        net.write_config("alice", "strange", htpp="127.0.0.1:1")
        code, checks = self.doctor("strange")
        self.assertEqual((code, list(checks)), (FAILED, ["configuration"]))

    def test_a_charter_that_not_all_have_signed(self):
        network = Network(PROGRAM, sign_by=["alice", "bob"])
        self.addCleanup(network.close)
        self.network, kept = network, self.network
        code, checks = self.doctor()
        self.network = kept
        self.assertEqual((code, checks["charter"]["state"]), (FAILED, "failed"))
        self.assertIn("carol", checks["charter"]["why"])

    def test_ports_of_others(self):
        net = self.network
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", net.peer_ports["alice"]))
            taken.listen()
            code, checks = self.doctor()
        self.assertEqual((code, checks["peer port"]["state"]), (FAILED, "failed"))
        self.assertIn("in use by another process", checks["peer port"]["what"])
        net.write_config("alice", listen="192.0.2.1:7000")
        self.assertIn("cannot be listened on", self.doctor()[1]["peer port"]["what"])

    def test_a_journal_that_is_gone(self):
        net = self.network
        net.start(*Network.NAMES)
        net.submit({"_id": "item$1", "name": "first"})
        net.kill("dave", signal.SIGTERM)
        for path in Path(net.file("dave-data"), "journal").iterdir():
            path.unlink()
        code, checks = self.doctor("dave")
        self.assertEqual((code, checks["data"]["state"]), (OK, "warning"))
        self.assertIn("without a journal", checks["data"]["what"])
        self.assertIn("will sign nothing", checks["data"]["why"])
        Path(net.file("dave-data"), "journal", "lost").write_text("it was restored")
        code, checks = self.doctor("dave")
        self.assertEqual((code, checks["data"]["state"]), (OK, "warning"))
        self.assertIn("marked as lost", checks["data"]["what"])

    @unittest.skipIf(os.geteuid() != 0, "giving files to others needs root")
    def test_a_file_of_another_user(self):
        net = self.network
        net.start(*Network.NAMES)
        net.kill("dave", signal.SIGTERM)
        os.chown(net.file("dave-data/database/CURRENT"), 12345, 12345)
        code, checks = self.doctor("dave")
        self.assertEqual((code, checks["data owner"]["state"]), (FAILED, "failed"))

    def test_a_configuration_that_is_not_there(self):
        code, checks = self.doctor("nobody")
        self.assertEqual((code, checks["configuration"]["state"]), (FAILED, "failed"))
        self.assertEqual(stat.S_IMODE(os.stat(self.network.file("alice.keys")).st_mode), 0o600)


if __name__ == "__main__":
    unittest.main(verbosity=1)
