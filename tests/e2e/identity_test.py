"""One participant, two places: a second process with its identity is not heard, signs nothing, says why and ends, while
the first goes on; one that takes the first's place with an older copy of its data notices what it lacks; and a
participant whose address changes is found again under its name."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from network import Network, free_ports, in_own_mounts

PROGRAM = sys.argv[1]
APPLIED, USAGE, UNREACHABLE = 0, 2, 4


class Case(unittest.TestCase):
    def setUp(self):
        self.count = 0

    def made(self, **how):
        self.network = Network(PROGRAM, **how)
        self.addCleanup(self.network.close)
        return self.network

    def work(self, transactions, to="alice"):
        for _ in range(transactions):
            self.count += 1
            ended = self.network.submit({"_id": "item$1", "name": f"item {self.count}"}, to=to)
            self.assertEqual(ended.code, APPLIED, ended.said)

    def status(self, name):
        return self.network.must("status", "--json", "--url", self.network.url(name)).json()

    def wait_until(self, what, done, seconds=120):
        deadline = time.monotonic() + seconds
        while not done():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.1)

    def signs(self, name):
        """Its attestation is among those of the newest block."""
        self.work(1)
        ledger = self.status("alice")["ledgers"][0]
        return ledger["executed"] == ledger["certified"] and name not in ledger["not_yet_signed_by"]


class TwoProcesses(Case):
    def start_second(self, data):
        """Another process with dave's keys and this data, at ports of its own."""
        net = self.network
        peer, http = free_ports(2)
        net.http_ports["second"] = http
        net.write_config("dave", "second", data=data, listen=f"127.0.0.1:{peer}", http=f"127.0.0.1:{http}")
        log = open(net.file("second.log"), "w", encoding="utf-8")
        self.addCleanup(log.close)
        process = subprocess.Popen([PROGRAM, "node", "--config", net.file("second.toml"),
                                    "--with-parent", str(os.getpid())],
                                   stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        return process

    def test_on_a_copy_of_the_data(self):
        net = self.made()
        net.start(*Network.NAMES)
        self.work(3)
        net.kill("dave", signal.SIGTERM)
        shutil.copytree(net.file("dave-data"), net.file("copy"))
        net.start("dave")
        self.work(2)
        second = self.start_second("copy")
        log = Path(net.file("second.log"))
        self.wait_until("the second does not start", lambda: "ready: " in log.read_text() or second.poll() is not None)
        # Until it ends by itself it signs nothing, and takes the first one's place nowhere.
        while second.poll() is None:
            status = net.run("status", "--json", "--url", net.url("second"))
            if status.code == APPLIED:
                self.assertFalse(status.json()["signing"])
            self.work(1, to="dave")
            self.assertLess(self.count, 2_000, "the second does not end")
        self.assertEqual(second.returncode, UNREACHABLE)
        text = log.read_text()
        self.assertIn("another process uses this identity key: it is connected from 127.0.0.1:", text)
        self.assertIn("identity_in_use", text)
        self.assertIn("Two processes must never run as one participant", text)
        self.assertIn("another process uses this identity key", net.log("alice"))
        self.assertTrue(self.status("dave")["signing"])
        self.wait_until("the first does not sign", lambda: self.signs("dave"))

        # In the first one's place it is heard, and told what it has signed since the copy was made.
        net.kill("dave")
        shutil.rmtree(net.file("dave-data"))
        shutil.copytree(net.file("copy"), net.file("dave-data"))
        net.start("dave")
        self.wait_until("it does not notice", lambda: self.status("dave")["journal_lost"])
        self.assertFalse(self.status("dave")["signing"])
        self.assertIn("that it signed and the journal lacks", self.status("dave")["note"])
        self.work(2)

    def test_on_the_same_data(self):
        net = self.made()
        net.start(*Network.NAMES)
        second = self.start_second("dave-data")
        self.assertNotEqual(second.wait(60), APPLIED)
        self.assertIn("locked", Path(net.file("second.log")).read_text())
        self.work(2)
        self.wait_until("the first does not sign", lambda: self.signs("dave"))


class AddressChange(Case):
    """Peers are known by name; what the name stands for changes."""

    def setUp(self):
        super().setUp()
        if not OWN_MOUNTS:
            self.skipTest("the names of machines can only be changed where nobody else sees it")
        folder = tempfile.TemporaryDirectory(prefix="tally-names-")
        self.addCleanup(folder.cleanup)
        self.names = Path(folder.name, "hosts")
        self.names.write_text("")
        subprocess.run(["mount", "--bind", self.names, "/etc/hosts"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc/hosts"], check=False)

    def name_is(self, address):
        self.names.write_text(f"127.0.0.1 localhost\n{address} dave.tally.test\n")

    def is_connected(self, name, peer):
        return [one["connected"] for one in self.status(name)["peers"] if one["name"] == peer] == [True]

    def test_the_name_stands_for_another_address(self):
        self.name_is("127.0.0.1")
        net = self.made(hosts={"dave": "dave.tally.test"})
        net.write_config("dave", listen=f"127.0.0.1:{net.peer_ports['dave']}")
        net.start(*Network.NAMES)
        self.work(2)
        net.kill("dave")
        self.work(2)
        self.name_is("127.0.0.2")
        net.write_config("dave", listen=f"127.0.0.2:{net.peer_ports['dave']}")
        net.start("dave")
        self.wait_until("it does not sign", lambda: self.signs("dave"))
        for name in ("alice", "bob", "carol"):
            self.wait_until(f"{name} does not find it", lambda: self.is_connected(name, "dave"))
        # It is needed, and there.
        net.kill("carol")
        self.work(2, to="dave")


    def test_a_machine_that_was_frozen_while_its_copy_took_its_name(self):
        """As when a machine is moved: the copy has all that the frozen one signed, and goes on in its place. The one
        that wakes up is not heard any more, and ends."""
        self.name_is("127.0.0.1")
        net = self.made(hosts={"dave": "dave.tally.test"})
        port = net.peer_ports["dave"]
        net.write_config("dave", listen=f"127.0.0.1:{port}")
        net.start(*Network.NAMES)
        self.work(2)
        frozen = net.processes.pop("dave")
        self.addCleanup(frozen.kill)
        frozen.send_signal(signal.SIGSTOP)
        shutil.copytree(net.file("dave-data"), net.file("copy"), ignore=shutil.ignore_patterns("*.socket", "control"))
        self.name_is("127.0.0.2")
        net.http_ports["dave"] = free_ports(1)[0]
        net.write_config("dave", data="copy", listen=f"127.0.0.2:{port}")
        net.start("dave")
        self.wait_until("it does not sign", lambda: self.signs("dave"))
        frozen.send_signal(signal.SIGCONT)
        while frozen.poll() is None:
            self.work(1, to="dave")
            self.assertLess(self.count, 2_000, "the one that woke up does not end")
        self.assertEqual(frozen.returncode, UNREACHABLE)
        self.assertIn("identity_in_use", net.log("dave"))
        self.wait_until("the copy does not sign", lambda: self.signs("dave"))


if __name__ == "__main__":
    OWN_MOUNTS = in_own_mounts()
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
