"""What `tx submit` says is what happened, or that it does not know: whatever stands between it and the participant,
or whatever a participant claims, exit code 1 means that the transaction did not and will not take effect."""

import json
import sys
import threading
import unittest
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from network import Network

PROGRAM = sys.argv.pop(1)
APPLIED, REJECTED, USAGE, UNKNOWN, UNREACHABLE = range(5)


class Meddler:
    """A proxy before one participant that hands every request on, and answers what `alter` makes of the answer."""

    def __init__(self, behind):
        self.alter = lambda path, status, body: (status, body)
        meddler = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, data):
                request = urllib.request.Request(behind + self.path, data=data)
                try:
                    with urllib.request.urlopen(request, timeout=30) as answered:
                        status, body = answered.status, answered.read()
                except urllib.error.HTTPError as error:
                    status, body = error.code, error.read()
                    error.close()
                altered = meddler.alter(self.path, status, body)
                if altered is None:  # The connection breaks.
                    self.close_connection = True
                    return
                self.send_response(altered[0])
                self.send_header("content-length", str(len(altered[1])))
                self.end_headers()
                self.wfile.write(altered[1])

            def do_GET(self):
                self.answer(None)

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["content-length"])))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Outcomes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = Network(PROGRAM, ledgers=("items",))
        cls.addClassCleanup(cls.network.close)
        cls.network.start(*Network.NAMES)
        cls.meddler = Meddler(cls.network.url("alice"))
        cls.addClassCleanup(cls.meddler.close)

    def submit(self, name, alter, *options):
        """Through the meddler, which alters answers so; its exit code must be 3, and the id must be there."""
        envelope = self.network.sign({"_id": "item$1", "name": name})
        self.meddler.alter = alter
        ended = self.network.run("tx", "submit", "--signed", "-", "--charter", self.network.charter,
                                 "--url", self.meddler.url, *options, text=envelope)
        return ended

    def assert_unknown_but_applied(self, name, alter, *words):
        ended = self.submit(name, alter)
        self.assertEqual(ended.code, UNKNOWN, ended.said)
        for word in words:
            self.assertIn(word, ended.said)
        said = self.submit(name + " too", alter, "--json")
        self.assertEqual(said.code, UNKNOWN, said.said)
        self.assertEqual(said.json()["outcome"], "unknown")
        asked = self.network.run("tx", "show", "items", said.json()["transaction"], "--wait", "certified",
                                 "--url", self.network.url("bob"))
        self.assertEqual(asked.code, APPLIED, asked.said)
        return said

    def test_an_answer_that_a_proxy_replaced(self):
        def alter(path, status, body):
            return (502, b"<html>Bad gateway</html>") if "/transactions" in path else (status, body)
        self.assert_unknown_but_applied("bad gateway", alter, "makes no sense", "HTTP 502", "tally tx show items")

    def test_a_refusal_that_is_not_a_participants(self):
        def alter(path, status, body):
            return (404, b'{"error": {"status": 404}}') if "/transactions" in path else (status, body)
        self.assert_unknown_but_applied("not found", alter, "makes no sense")

    def test_a_server_that_fails(self):
        def alter(path, status, body):
            error = {"error": {"code": "participant_stopped", "message": "it is shutting down", "next": "Wait"}}
            return (503, json.dumps(error).encode()) if "/transactions" in path else (status, body)
        self.assert_unknown_but_applied("failing", alter, "it is shutting down")

    def test_an_answer_about_something_else(self):
        def alter(path, status, body):
            return (200, b'{"hello": 1}') if "/transactions" in path else (status, body)
        self.assert_unknown_but_applied("other", alter, "makes no sense")

    def test_a_connection_that_breaks_before_the_answer(self):
        def alter(path, status, body):
            return None if "/transactions" in path else (status, body)
        self.assert_unknown_but_applied("broken", alter, "connection broke")

    def test_a_connection_that_breaks_before_the_proof(self):
        def alter(path, status, body):
            return None if "/proofs/" in path else (status, body)
        said = self.assert_unknown_but_applied("unproved", alter, "the participant says applied, which is not proved",
                                               "transaction ")
        self.assertEqual(said.json()["claimed"], "applied")

    def test_a_proof_that_was_tampered_with(self):
        def alter(path, status, body):
            if "/proofs/" not in path:
                return status, body
            middle = len(body) // 2
            return status, body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1:]
        said = self.assert_unknown_but_applied("tampered", alter, "the participant says applied, which is not proved")
        self.assertEqual(said.json()["claimed"], "applied")

    def test_a_participant_that_says_the_contrary_of_its_proof(self):
        def alter(path, status, body):
            if "/transactions" not in path or "/proofs/" in path:
                return status, body
            answer = json.loads(body)
            answer["outcome"] = "rejected"
            return 409, json.dumps(answer).encode()
        said = self.assert_unknown_but_applied("contrary", alter, "the participant says rejected, which is not proved",
                                               "not of what it says")
        self.assertEqual(said.json()["code"], "contradiction")

    def test_a_refusal_in_the_participants_own_words(self):
        ended = self.submit("refused", lambda path, status, body: (status, body))
        self.assertEqual(ended.code, APPLIED, ended.said)
        ended = self.network.submit_signed("no envelope")
        self.assertEqual(ended.code, REJECTED, ended.said)

    def test_arguments_are_judged_before_anything_is_sent(self):
        change = {"_id": "item$1", "name": "never"}
        for options, words in ((("--timeout", "999999"), ("--timeout", "120000")),
                               (("--nonce", "n" * 65), ("--nonce has 65 bytes", "at most 64")),
                               (("--network", "0" * 64), ("another network", "--network"))):
            ended = self.network.submit(change, *options)
            self.assertEqual(ended.code, USAGE, ended.said)
            for word in words:
                self.assertIn(word, ended.said)
        found = self.network.must("query", "items", "item", "name=never", "--json", "--url", self.network.url("alice"))
        self.assertEqual(found.json()["rows"], [])

    def test_a_charter_of_another_network(self):
        elsewhere = Network(PROGRAM, ledgers=("elsewhere",))
        self.addCleanup(elsewhere.close)
        ended = self.network.run("tx", "submit", '{"_id": "item$1", "name": "x"}', "--key", self.network.clerk,
                                 "--charter", elsewhere.charter, "--url", self.network.url("alice"))
        self.assertEqual(ended.code, USAGE, ended.said)
        self.assertIn("another network", ended.said)
        self.assertIn("[wrong_network]", ended.said)

    def test_ids_that_are_none(self):
        url = ("--url", self.network.url("alice"))
        for arguments in (("tx", "show", "items", "abc"), ("tx", "show", "items", "A" * 64),
                          ("proof", "transaction", "items", "zz", "--out", self.network.file("none.proof"))):
            ended = self.network.run(*arguments, *url)
            self.assertEqual(ended.code, USAGE, ended.said)
            self.assertIn("a transaction id is 64 lower-case hexadecimal digits", ended.said)
        ended = self.network.run("keys", "token", self.network.clerk, "--network", "abc", "--participant", "alice")
        self.assertEqual(ended.code, USAGE, ended.said)
        self.assertIn("a network's id, 64 lower-case hexadecimal digits", ended.said)

    def test_an_answer_of_another_shape_ends_no_command_badly(self):
        odd = [{"participant": "a", "network": "00", "ledgers": [1, "x", None], "peers": [2], "lanes": [[]],
                "scrub": {"altered": [3]}},
               {"ledgers": {}, "peers": "none", "blocks": [1, {"signed_by": [1]}], "height": -1},
               {"blocks": 7, "epoch": "x", "catching_up": 5, "scrub": []}]
        for body in odd:
            self.meddler.alter = lambda path, status, _, body=body: (200, json.dumps(body).encode())
            for command in (["status"], ["blocks", "items"], ["query", "items", "item"]):
                ended = self.network.run(*command, "--url", self.meddler.url)
                self.assertIn(ended.code, (APPLIED, USAGE), f"{command}: {ended.said}")
            self.assertIn(self.network.run("status", "--all", self.meddler.url).code, (APPLIED, USAGE))

    def test_whoever_is_told_to_wait_is_not_rejected(self):
        for code in ("too_fast", "too_many_reads", "busy"):
            error = {"error": {"code": code, "message": "wait", "next": "wait", "retry_after_ms": 3_000_000}}
            self.meddler.alter = lambda *_, error=error: (429, json.dumps(error).encode())
            for command in (["query", "items", "item"], ["tx", "submit", "--signed", "-", "--charter",
                                                         self.network.charter, "--timeout", "1000"]):
                text = self.network.sign({"_id": "item$1", "name": "told to wait"}) if command[0] == "tx" else ""
                ended = self.network.run(*command, "--url", self.meddler.url, text=text)
                self.assertEqual(ended.code, UNREACHABLE, f"{command}: {ended.said}")

    def test_a_copy_elsewhere_takes_effect_once_where_the_first_does_not_answer(self):
        bob = ("--also", self.network.url("bob"))
        dead = "http://127.0.0.1:1"
        self.meddler.alter = lambda path, status, body: None if "/transactions" in path else (status, body)
        for name, url in (("copied", self.meddler.url), ("only there", dead), ("twice", self.network.url("alice"))):
            ended = self.network.run("tx", "submit", "--signed", "-", "--charter", self.network.charter, "--url", url,
                                     *bob, text=self.network.sign({"_id": "item$1", "name": name}))
            self.assertEqual(ended.code, APPLIED, ended.said)
            rows = self.network.must("query", "items", "item", f"name={name}", "--json", "--url",
                                     self.network.url("bob")).json()["rows"]
            self.assertEqual(len(rows), 1)
        nobody = self.network.run("tx", "submit", "--signed", "-", "--charter", self.network.charter, "--url", dead,
                                  "--also", dead, text=self.network.sign({"_id": "item$1", "name": "nowhere"}))
        self.assertEqual(nobody.code, UNREACHABLE, nobody.said)
        self.assertIn("took no copy", nobody.err)

    def test_batches_of_another_shape_end_no_command_badly(self):
        charter = ("--charter", self.network.charter, "--url", self.meddler.url)
        for body in (b"", b"\x00", b"\xff" * 100, b"\x82\x83\x87", bytes(range(256)) * 16):
            self.meddler.alter = lambda path, status, was, body=body: (
                (200, body) if "/batches/" in path else (status, was))
            self.assertEqual(self.network.submit({"_id": "item$1", "name": f"odd {len(body)}"}).code, APPLIED)
            for command in (["fetch", "alice", "1"], ["sample", "--batches", "1"]):
                ended = self.network.run(*command, *charter)
                self.assertIn(ended.code, (REJECTED, USAGE, UNREACHABLE), f"{command}: {ended.said}")
                self.assertNotIn("bug", ended.said)

    def test_errors_that_quote_any_bytes(self):
        for target in ("/%ff", "/v1/ledgers/items/blocks?%ff=1", "/v1/ledgers/%ff%fe/blocks"):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(self.network.url("alice") + target, timeout=10)
            with refused.exception as answer:
                self.assertIn("\ufffd", json.loads(answer.read().decode("utf-8"))["error"]["message"])
        ended = self.network.run("charter", "show", b"/no/such/\xff", "--json")
        self.assertIn("\ufffd", json.loads(ended.err)["error"]["message"])

    def test_what_is_stored_commands_no_terminal(self):
        self.assertEqual(self.network.submit({"_id": "item$1", "name": "h\x1b[31m11\x9b\x7f"}).code, APPLIED)
        asked = ("query", "items", "item", "name>=h", "name<i", "--url", self.network.url("alice"))
        shown = self.network.must(*asked)
        self.assertIn("h\\x1b[31m11\\x9b\\x7f", shown.out)
        found = self.network.must(*asked, "--json")
        self.assertIn("h\x1b[31m11\x9b\x7f", [row["name"] for row in found.json()["rows"]])
        for said in (shown.said, found.said):
            self.assertFalse(set(said) & {"\x1b", "\x9b", "\x7f"}, repr(said))


if __name__ == "__main__":
    unittest.main(verbosity=1)
