"""Slow, silent and flooding clients cost bounded memory, and others are served meanwhile."""

import json
import resource
import socket
import sys
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from network import Network

PROGRAM = sys.argv.pop(1)
APPLIED, UNREACHABLE = 0, 4
IDLE = 10_000
HELD_BYTES_MAX = 12 * 1024  # For each idle connection, in the process.


def raise_descriptors(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return True
        except (ValueError, PermissionError):
            return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    return True


class Abuse(unittest.TestCase):
    def setUp(self):
        self.network = Network(PROGRAM)
        self.addCleanup(self.network.close)
        self.sockets = []
        self.addCleanup(lambda: [one.close() for one in self.sockets])

    def start(self, **alice):
        if alice:
            self.network.write_config("alice")
            path = Path(self.network.file("alice.toml"))
            path.write_text(path.read_text() + "".join(f"{key} = {value}\n" for key, value in alice.items()))
        self.network.start(*Network.NAMES)

    def connect(self, text=b""):
        one = socket.create_connection(("127.0.0.1", self.network.http_ports["alice"]), timeout=10)
        if text:
            one.sendall(text)
        self.sockets.append(one)
        return one

    def resident(self):
        status = Path(f"/proc/{self.network.processes['alice'].pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def metric(self, name):
        with urllib.request.urlopen(self.network.url("alice") + "/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.split()[1])
        raise AssertionError(f"no metric {name}")

    def post(self, envelope, **headers):
        """Status, headers and body of a submission that waits for nothing."""
        request = urllib.request.Request(
            self.network.url("alice") + "/v1/ledgers/items/transactions?wait=submitted", envelope.encode(),
            {"Content-Type": "application/jose", **headers})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, json.loads(error.read())

    # --- connections ---

    def test_ten_thousand_idle_connections(self):
        """All are held; each costs little, and whoever comes is served as before."""
        if not raise_descriptors(IDLE + 1_000):
            self.skipTest("the limit of open files cannot be raised above " + str(IDLE))
        self.start(http_connections_max=IDLE + 100)
        self.network.submit({"_id": "item$1", "name": "before"})
        before = self.resident()
        for _ in range(IDLE):
            self.connect()
        self.assertGreaterEqual(self.metric("tally_http_connections"), IDLE)
        held = (self.resident() - before) / IDLE
        print(f"{IDLE} idle connections: {before >> 20} MiB before, {self.resident() >> 20} MiB with them, "
              f"{held:.0f} bytes each")
        self.assertLess(held, HELD_BYTES_MAX)
        began = time.monotonic()
        self.assertEqual(self.network.submit({"_id": "item$1", "name": "meanwhile"}).code, APPLIED)
        self.assertLess(time.monotonic() - began, 10)

    def test_more_idle_connections_than_there_is_room_for(self):
        self.start(http_connections_max=200)
        for _ in range(1_000):
            self.connect(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n")  # Never ended.
        self.assertEqual(self.network.submit({"_id": "item$1", "name": "meanwhile"}).code, APPLIED)
        self.assertLessEqual(self.metric("tally_http_connections"), 200)
        self.assertGreaterEqual(self.metric("tally_http_connections_dropped_total"), 800)
        self.assertEqual(self.metric("tally_http_connections_refused_total"), 0)

    def test_a_client_that_does_not_read_its_answers(self):
        self.start()
        self.network.submit({"_id": "item$1", "name": "before"})
        before = self.resident()
        many = b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000
        for _ in range(20):
            one = self.connect()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            one.setblocking(False)
            try:
                one.sendall(many)
            except BlockingIOError:
                pass  # It takes no more before its answers are read: as it should be.
        self.assertEqual(self.network.submit({"_id": "item$1", "name": "meanwhile"}).code, APPLIED)
        self.assertLess(self.resident() - before, 64 << 20)

    def test_a_flood_of_reads(self):
        """Each is answered or told to wait; meanwhile transactions are taken and the status is told."""
        self.start()
        self.network.submit({"_id": "item$1", "name": "before"})
        body = b'{"from": "item"}'
        for _ in range(2_000):
            self.connect(b"POST /v1/ledgers/items/query HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        self.assertEqual(self.network.submit({"_id": "item$1", "name": "meanwhile"}).code, APPLIED)
        self.assertEqual(self.metric("tally_signing"), 1)
        for one in self.sockets:
            self.assertRegex(one.recv(4_096), rb"^HTTP/1.1 (200|429) ")

    # --- quotas ---

    def test_a_signer_that_is_too_fast(self):
        self.start(signer_transactions_per_s_max=2)
        answers = [self.post(self.network.sign({"_id": "item$1", "name": f"fast {i}"})) for i in range(12)]
        refused = [one for one in answers if one[0] == 429]
        self.assertTrue(refused and answers[0][0] == 202, [one[0] for one in answers])
        _, headers, body = refused[0]
        error = body["error"]
        self.assertEqual(error["code"], "too_fast")
        self.assertIn("more than 2 transactions", error["message"])
        self.assertIn(f"Wait {error['retry_after_ms']} ms", error["next"])
        self.assertLessEqual(error["retry_after_ms"], 1_000)
        self.assertEqual(headers["Retry-After"], "1")
        self.assertGreaterEqual(self.metric('tally_http_too_fast_total{quota="signer"}'), len(refused))
        # The program waits as long as it is told to, and comes through.
        for i in range(3):
            self.assertEqual(self.network.submit({"_id": "item$1", "name": f"patient {i}"}).code, APPLIED)

    def test_a_wait_that_is_too_long(self):
        """Without the time to wait, the program says so, and that nothing was recorded."""
        self.start(signer_bytes_per_s_max=1)
        code = None
        for i in range(2):
            code, _, body = self.post(self.network.sign({"_id": "item$1", "name": f"{i}" * 30_000}))
        self.assertEqual(code, 429)
        self.assertGreater(body["error"]["retry_after_ms"], 100_000)
        began = time.monotonic()
        ended = self.network.submit({"_id": "item$1", "name": "z" * 30_000})
        self.assertEqual(ended.code, UNREACHABLE)
        self.assertIn("[too_fast]", ended.said)
        self.assertLess(time.monotonic() - began, 5)

    def test_signers_whom_the_ledger_does_not_know(self):
        """They share one allowance; those whom it knows have their own."""
        self.start(strangers_transactions_per_s_max=1)
        codes = []
        for i in range(6):
            key = self.network.file(f"stranger-{i}.key")
            self.network.must("keys", "new", key)
            codes.append(self.post(self.network.sign({"_id": "item$1", "name": f"strange {i}"}, key=key))[0])
        self.assertEqual(codes[:2], [202, 202])
        self.assertIn(429, codes)
        self.assertEqual(self.network.submit({"_id": "item$1", "name": "known"}).code, APPLIED)

    def test_addresses_behind_a_proxy(self):
        self.start(address_transactions_per_s_max=1)

        def submit(address, i):
            return self.post(self.network.sign({"_id": "item$1", "name": f"{address} {i}"}),
                             **{"X-Forwarded-For": f"203.0.113.9, {address}"})[0]
        codes = [submit("192.0.2.1", i) for i in range(4)]
        self.assertIn(429, codes)
        self.assertEqual(submit("192.0.2.2", 0), 202)


if __name__ == "__main__":
    unittest.main(verbosity=1)
