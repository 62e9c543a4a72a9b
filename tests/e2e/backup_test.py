"""Backup under load, restore, and what the restored participant does: it catches up, executes and serves, and signs
nothing. What is not a whole backup of this participant is refused."""

import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
import unittest
from pathlib import Path

from network import Network

PROGRAM = sys.argv[1]
APPLIED, USAGE, UNREACHABLE = 0, 2, 4


class Load:
    """Submits items one after the other, to alice and bob in turn, until it is stopped."""

    def __init__(self, net):
        self.net, self.applied, self.stopping = net, [], False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        number = 0
        while not self.stopping:
            name = f"item {number}"
            if self.net.submit({"_id": "item$1", "name": name}, to=("alice", "bob")[number % 2]).code == APPLIED:
                self.applied.append(name)
            number += 1

    def stop(self):
        self.stopping = True
        self.thread.join(60)
        return self.applied


class BackupTest(unittest.TestCase):
    def setUp(self):
        self.network = Network(PROGRAM)

    def tearDown(self):
        self.network.close()

    def status(self, name):
        return self.network.must("status", "--json", "--url", self.network.url(name)).json()

    def executed(self, name):
        return self.status(name)["ledgers"][0]["executed"]

    def wait_until(self, what, done, seconds=60):
        deadline = time.monotonic() + seconds
        while not done():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.1)

    def refused(self, *arguments, words):
        ended = self.network.run("restore", *arguments)
        self.assertEqual(ended.code, USAGE, ended.said)
        for one in words:
            self.assertIn(one, ended.err)
        self.assertFalse(Path(self.network.file("nowhere")).exists())

    def test_a_backup_under_load_and_what_is_restored_of_it(self):
        net = self.network
        net.start(*Network.NAMES)
        load = Load(net)
        self.wait_until("nothing is executed", lambda: self.executed("dave") >= 3)
        backup = net.file("backup")
        told = net.must("backup", "--config", net.file("dave.toml"), "--to", backup, "--json").json()
        self.assertEqual((told["participant"], told["keys"]), ("dave", False))
        self.assertFalse(Path(backup, "keys").exists())
        held = Path(net.file("dave-data"), "checkpoint")
        self.wait_until("what was held still is not let go", lambda: not held.exists())
        manifest = json.loads(Path(backup, "backup.json").read_text())
        self.assertEqual(manifest["slot"], told["slot"])
        self.assertGreaterEqual(manifest["ledgers"][0]["executed"], 3)
        again = net.run("backup", "--config", net.file("dave.toml"), "--to", backup)
        self.assertEqual(again.code, USAGE)
        self.assertIn("[folder_not_empty]", again.err)
        before = self.executed("dave")
        self.wait_until("it does not go on", lambda: self.executed("dave") > before)
        self.assertTrue(self.status("dave")["signing"])

        # The disk is lost; the backup comes back.
        net.kill("dave")
        data = net.file("dave-data")
        shutil.rmtree(data)
        said = net.must("restore", backup, "--to", data, "--config", net.file("dave.toml"))
        self.assertIn("signs nothing in this epoch", said.out)
        self.assertGreaterEqual(self.executed("alice"), before)
        # It may have signed the next block, too, before its end; the last three are to be later ones.
        before = self.executed("alice") + 1
        net.start("dave")
        self.wait_until("it does not catch up", lambda: self.executed("dave") > before + 3)
        applied = load.stop()
        self.assertGreater(len(applied), 5)
        self.wait_until("it does not come up to the others",
                        lambda: self.executed("dave") == self.executed("alice"))
        status = self.status("dave")
        self.assertTrue(status["journal_lost"])
        self.assertFalse(status["signing"])
        self.assertIn("restored from a backup", status["note"])
        self.assertIn("restored from a backup", net.log("dave"))
        self.assertEqual(status["ledgers"][0]["header"], self.status("alice")["ledgers"][0]["header"])
        rows = net.must("query", "items", "item", f"name={applied[-1]}", "--json", "--url", net.url("dave"))
        self.assertIn(applied[-1], rows.out)
        refused = net.submit({"_id": "item$1", "name": "to dave"}, to="dave")
        self.assertEqual(refused.code, UNREACHABLE, refused.said)
        self.assertIn("[journal_lost]", refused.err)
        shown = net.must("blocks", "items", "--count", "3", "--json", "--url", net.url("alice"))
        self.assertIn("alice", shown.out)
        self.assertNotIn("dave", shown.out, "it signed a block")

        # It is not forgotten, and the others need three of the four: with one more down they stop, for dave's voice
        # is not counted.
        net.kill("dave", signal.SIGTERM)
        net.start("dave")
        self.assertTrue(self.status("dave")["journal_lost"])
        net.kill("carol")
        missing = net.submit({"_id": "item$1", "name": "two voices"}, "--timeout", "3000", to="alice")
        self.assertNotEqual(missing.code, APPLIED)

    def test_what_is_not_a_whole_backup_of_this_participant(self):
        net = self.network
        net.start(*Network.NAMES)
        self.assertEqual(net.submit({"_id": "item$1", "name": "kept"}).code, APPLIED)
        backup = net.file("backup")
        net.must("backup", "--config", net.file("alice.toml"), "--to", backup, "--with-keys")
        self.assertEqual(os.stat(Path(backup, "keys")).st_mode & 0o777, 0o600)
        nowhere = net.file("nowhere")

        def copy(name):
            return shutil.copytree(backup, net.file(name))

        cut = copy("cut")
        journal = next(Path(cut, "journal").iterdir())
        with open(journal, "r+b") as file:
            file.truncate(journal.stat().st_size - 1)
        self.refused(cut, "--to", nowhere, words=("[backup_incomplete]", journal.name))
        lacking = copy("lacking")
        next(Path(lacking, "database").glob("*.sst")).unlink()
        self.refused(lacking, "--to", nowhere, words=("[backup_incomplete]", "is missing"))
        changed = copy("changed")
        table = next(Path(changed, "database").glob("*.sst"))
        content = bytearray(table.read_bytes())
        content[len(content) // 2] ^= 1
        table.write_bytes(content)
        self.refused(changed, "--to", nowhere, words=("[backup_damaged]", table.name))
        unfinished = copy("unfinished")
        Path(unfinished, "backup.json").unlink()
        self.refused(unfinished, "--to", nowhere, words=("[backup_incomplete]", "has no backup.json"))
        later = copy("later")
        manifest = json.loads(Path(later, "backup.json").read_text())
        Path(later, "backup.json").write_text(json.dumps({**manifest, "tally_backup": 2}))
        self.refused(later, "--to", nowhere, words=("[backup_newer]",))
        for name, files in (("nothing", []),
                            ("no-journal", [file for file in manifest["files"] if not file["path"].startswith("journal/")])):
            Path(copy(name), "backup.json").write_text(json.dumps({**manifest, "files": files}))
            self.refused(net.file(name), "--to", nowhere, words=("[backup_incomplete]", "backup.json names no file"))
        # The second copy of a file fails in the midst of it: nothing is left behind.
        Path(copy("doubled"), "backup.json").write_text(
            json.dumps({**manifest, "files": manifest["files"] + manifest["files"][:1]}))
        self.assertNotEqual(net.run("restore", net.file("doubled"), "--to", nowhere).code, APPLIED)
        self.assertFalse(Path(nowhere).exists() or Path(f"{nowhere}.restoring").exists())
        self.refused(backup, "--to", nowhere, "--config", net.file("bob.toml"), words=("[backup_foreign]", "alice"))
        self.refused(backup, "--to", net.file("bob-data"), words=("[folder_not_empty]",))

        net.kill("alice", signal.SIGTERM)
        stopped = net.run("backup", "--config", net.file("alice.toml"), "--to", net.file("late"))
        self.assertEqual(stopped.code, USAGE)
        self.assertIn("[not_running]", stopped.err)

    def test_a_start_counter_on_another_disk(self):
        """An older copy of the data, put back by hand, is noticed by the counter that is not in it."""
        net = self.network
        net.write_config("dave", start_counter="dave.starts")
        net.start(*Network.NAMES)
        counter = Path(net.file("dave.starts"))
        self.wait_until("it is not counted", lambda: counter.exists() and counter.read_text() == "epoch 0 1\n")
        net.kill("dave", signal.SIGTERM)
        data = net.file("dave-data")
        shutil.copytree(data, net.file("copy"))
        for starts in (2, 3):
            net.start("dave")
            self.wait_until("it is not counted", lambda: counter.read_text() == f"epoch 0 {starts}\n")
            self.wait_until("it does not sign", lambda: self.status("dave")["signing"])
            net.kill("dave", signal.SIGTERM)
        shutil.rmtree(data)
        shutil.copytree(net.file("copy"), data)
        net.start("dave")
        self.assertTrue(self.status("dave")["journal_lost"])
        self.assertIn("it counts 1 starts, and the counter outside of it 3", self.status("dave")["note"])
        self.assertEqual(counter.read_text(), "epoch 0 3\n")
        net.kill("dave", signal.SIGTERM)
        counter.write_text("many\n")
        ended = net.run("node", "--config", net.file("dave.toml"))
        self.assertEqual(ended.code, USAGE)
        self.assertIn("is not a count of starts", ended.said)

    def test_a_start_counter_that_cannot_be_written(self):
        """Whoever cannot count does not start, rather than be taken for another later."""
        net = self.network
        net.write_config("dave", start_counter="dave.starts")
        net.start(*Network.NAMES)
        counter, in_the_way = Path(net.file("dave.starts")), Path(net.file("dave.starts.new"))
        self.wait_until("it is not counted", lambda: counter.exists() and counter.read_text() == "epoch 0 1\n")
        net.kill("dave")
        in_the_way.mkdir()
        for _ in range(3):
            ended = net.run("node", "--config", net.file("dave.toml"))
            self.assertEqual(ended.code, USAGE, ended.said)
            self.assertIn("[file_unwritable]", ended.err)
        in_the_way.rmdir()
        # As a crash between the journal's count and this one leaves it.
        counter.write_text("epoch 0 0\n")
        for starts in (2, 3):
            net.start("dave")
            self.wait_until("it does not sign", lambda: self.status("dave")["signing"])
            self.wait_until("it is not counted", lambda: counter.read_text() == f"epoch 0 {starts}\n")
            net.kill("dave")

    def test_commands_that_reach_a_running_participant_take_turns(self):
        net = self.network
        net.start(*Network.NAMES)
        with socket.socket(socket.AF_UNIX) as first:
            os.chdir(net.file("alice-data"))
            first.connect("control")
            first.sendall(b"scrub_status\n")
            self.assertIn(b"passes", first.recv(65_536))
            for _ in range(3):
                ended = net.run("scrub", "--config", net.file("alice.toml"))
                self.assertEqual(ended.code, UNREACHABLE, ended.said)
                self.assertIn("[control_busy]", ended.err)
        with socket.socket(socket.AF_UNIX) as other:
            self.wait_until("it is not free", lambda: net.run("scrub", "--config", net.file("alice.toml")).code == APPLIED)
            other.connect("control")
            other.sendall(b"\xff\xfe\n")
            answer = json.loads(other.recv(65_536).decode("utf-8"))
            self.assertEqual(answer["error"]["code"], "unknown_command")
            self.assertIn("\ufffd", answer["error"]["message"])
        self.wait_until("it stays busy", lambda: net.run("scrub", "--config", net.file("alice.toml")).code == APPLIED)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
