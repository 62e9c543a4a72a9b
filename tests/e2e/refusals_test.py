"""Every bad input that a user or an operator can give ends with a clear message and the right exit code, and nothing
is lost or half done."""

import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from network import Network, free_ports

PROGRAM = sys.argv.pop(1)
APPLIED, REJECTED, USAGE, UNKNOWN, UNREACHABLE = range(5)


class Refusals(unittest.TestCase):
    """One network for all; each test uses names of its own."""

    @classmethod
    def setUpClass(cls):
        cls.network = Network(PROGRAM, ledgers=("items", "other"))
        cls.addClassCleanup(cls.network.close)
        cls.network.start(*Network.NAMES)

    def assert_said(self, ended, code, *words):
        self.assertEqual(ended.code, code, ended.said)
        for word in words:
            self.assertIn(word, ended.said)

    def assert_rejected(self, ended, *words):
        """Recorded in a block, and changed nothing else."""
        self.assert_said(ended, REJECTED, "rejected in block", "because:", "proof checked", *words)

    # --- envelopes ---

    def test_malformed_jws(self):
        ended = self.network.submit_signed("this is no JWS")
        self.assert_said(ended, REJECTED, "compact JWS", "[not_compact_jws]")

    def test_malformed_json(self):
        net = self.network
        ended = net.run("tx", "submit", '[{"_id": "item$1",', "--key", net.clerk, "--charter", net.charter,
                        "--ledger", "items", "--url", net.url("alice"))
        self.assert_said(ended, USAGE, "[not_json]")

    def test_json_with_a_fraction_or_a_key_twice(self):
        net = self.network
        for changes, code in (('{"_id": "item$1", "price": 1.5}', "[json_not_an_integer]"),
                              ('{"_id": "item$1", "price": 1, "price": 2}', "[json_duplicate_key]")):
            ended = net.run("tx", "submit", changes, "--key", net.clerk, "--charter", net.charter, "--ledger", "items",
                            "--url", net.url("alice"))
            self.assert_said(ended, USAGE, code)

    def test_wrong_signature(self):
        envelope = self.network.sign({"_id": "item$1", "name": "forged"})
        at = envelope.rindex(".") + 10
        forged = envelope[:at] + ("A" if envelope[at] != "A" else "B") + envelope[at + 1:]
        self.assert_said(self.network.submit_signed(forged), REJECTED, "signature")

    def test_unknown_identity(self):
        stranger = self.network.file("stranger.key")
        self.network.must("keys", "new", stranger)
        ended = self.network.submit({"_id": "item$1", "name": "strange"}, key=stranger)
        self.assert_rejected(ended, "the ledger does not know the signer: did:key:z6Mk", "`_auth`")

    def test_wrong_ledger(self):
        envelope = self.network.sign({"_id": "item$1", "name": "astray"}, ledger="other")
        ended = self.network.submit_signed(envelope, ledger="items")
        self.assert_said(ended, REJECTED, "ledger", "[wrong_ledger]")

    def test_a_ledger_that_is_not(self):
        ended = self.network.submit({"_id": "item$1", "name": "x"}, ledger="nowhere")
        self.assert_said(ended, USAGE, "no such ledger", "nowhere")

    def test_wrong_network(self):
        elsewhere = Network(PROGRAM)
        self.addCleanup(elsewhere.close)
        envelope = elsewhere.sign({"_id": "item$1", "name": "foreign"})
        ended = self.network.submit_signed(envelope)
        self.assert_said(ended, REJECTED, "network", "[wrong_network]")

    def test_expired(self):
        envelope = self.network.sign({"_id": "item$1", "name": "late"}, "--expire-in", "0")
        self.assert_rejected(self.network.submit_signed(envelope), "expired", "Sign it again")

    def test_too_far_ahead(self):
        ended = self.network.submit({"_id": "item$1", "name": "early"}, "--expire-in", "3600")
        self.assert_rejected(ended, "too far in the future", "Sign it again")

    def test_replayed(self):
        envelope = self.network.sign({"_id": "item$1", "name": "once"})
        first = self.network.submit_signed(envelope, "--json")
        again = self.network.submit_signed(envelope, "--json", to="carol")
        self.assertEqual((first.code, again.code), (APPLIED, APPLIED), first.said + again.said)
        places = [(ended.json()["height"], ended.json()["index"]) for ended in (first, again)]
        self.assertEqual(places[0], places[1], "it took effect once, at its first place")
        rows = self.network.must("query", "items", "item", "name=once", "--json", "--url", self.network.url("bob"))
        self.assertEqual(len(rows.json()["rows"]), 1)

    def test_oversized_envelope(self):
        envelope = self.network.sign({"_id": "item$1", "name": "x" * 61_440})
        self.assert_said(self.network.submit_signed(envelope), REJECTED, "at most 61440", "Split it", "[envelope_too_large]")

    def test_oversized_http_body(self):
        request = urllib.request.Request(self.network.url("alice") + "/v1/ledgers/items/transactions",
                                         data=b"x" * (1024 * 1024 + 1), headers={"content-type": "application/jose"})
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=10)
        self.assertEqual(caught.exception.code, 413)
        error = json.loads(caught.exception.read())["error"]
        caught.exception.close()
        self.assertEqual(error["code"], "body_too_large")
        self.assertIn("above 1048576 bytes", error["message"])

    # --- rules of the ledger ---

    def test_duplicate_unique_value(self):
        self.assertEqual(self.network.submit({"_id": "item$1", "name": "nail"}).code, APPLIED)
        ended = self.network.submit({"_id": "item$1", "name": "nail"}, to="bob")
        self.assert_rejected(ended, "another subject has this unique value", '"nail"')

    def test_wrong_type(self):
        ended = self.network.submit({"_id": "item$1", "name": "typed", "price": "much"})
        self.assert_rejected(ended, "not of the predicate's type", '"price" is int, not "much"')
        transaction = next(line for line in ended.out.splitlines() if line.startswith("transaction ")).split()[1]
        later = self.network.run("tx", "show", "items", transaction, "--url", self.network.url("bob"))
        self.assert_said(later, REJECTED, "predicate item/price")

    def test_unknown_predicate(self):
        ended = self.network.submit({"_id": "item$1", "name": "odd", "colour": "red"})
        self.assert_rejected(ended, "no such predicate", "colour")

    def test_missing_required(self):
        ended = self.network.submit({"_id": "item$1", "price": 3})
        self.assert_rejected(ended, "required predicate has no value", "name")

    def test_half_of_a_transaction_is_nothing(self):
        ended = self.network.submit([{"_id": "item$1", "name": "first half"}, {"_id": "item$2", "price": 1}])
        self.assert_rejected(ended, "change 2")
        found = self.network.must("query", "items", "item", "name=first half", "--json",
                                  "--url", self.network.url("alice"))
        self.assertEqual(found.json()["rows"], [])

    # --- asking ---

    def test_questions_that_cannot_be_answered(self):
        url = ("--url", self.network.url("dave"))
        for arguments, words in ((("get", "items", "item/name=nothing"), ("no such subject",)),
                                 (("query", "items", "thing"), ("thing", "[unknown_collection]")),
                                 (("query", "items", "item", "price>=much"), ("price", "int")),
                                 (("query", "items", "item", "--at", "1000000"), ("no such block",)),
                                 (("get", "elsewhere", "1"), ("no such ledger",))):
            self.assert_said(self.network.run(*arguments, *url), USAGE, *words)
        ended = self.network.run("tx", "show", "items", "0" * 64, *url)
        self.assert_said(ended, UNKNOWN, "has not executed such a transaction")

    def test_readers_who_show_who_they_are(self):
        net = self.network
        token = net.must("keys", "token", net.clerk, "--charter", net.charter, "--participant", "alice").out
        seen = {}
        for name in ("alice", "bob"):
            request = urllib.request.Request(net.url(name) + "/v1/ledgers/items/query", data=b'{"from": "_auth"}',
                                             headers={"authorization": f"Bearer {token}"})
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    seen[name] = answer.status
            except urllib.error.HTTPError as error:
                seen[name] = json.loads(error.read())["error"]["code"]
                error.close()
        self.assertEqual(seen, {"alice": 200, "bob": "token_wrong_participant"})
        read = net.must("query", "items", "_auth", "--key", net.clerk, "--json", "--url", net.url("bob"))
        self.assertEqual(len(read.json()["rows"]), 1)

    def test_nobody_there(self):
        (port,) = free_ports(1)
        ended = self.network.run("status", "--url", f"http://127.0.0.1:{port}")
        self.assert_said(ended, UNREACHABLE, "cannot be reached", "Check that it runs")
        ended = self.network.run("status", "--url", "localhost")
        self.assert_said(ended, USAGE, "http://host:port")

    def test_unknown_options_and_commands(self):
        self.assert_said(self.network.run("status", "--colour"), USAGE, "--colour")
        self.assert_said(self.network.run("stauts"), USAGE)
        self.assert_said(self.network.run("tx", "submit", "{}"), USAGE, "--key")

    def test_every_complaint_as_json(self):
        for arguments, code in ((("blocks", "items", "--count", "0", "--json"), "usage"),
                                (("query", "--json"), "usage"), (("stauts", "--json"), "usage"),
                                (("sim", "--participants", "0", "--json"), "usage")):
            ended = self.network.run(*arguments)
            self.assertEqual(ended.code, USAGE, ended.said)
            error = json.loads(ended.err)["error"]
            self.assertEqual(error["code"], code)
            self.assertTrue(error["message"] and error["next"])
        ended = self.network.run("sim", "--seed", "1", "--steps", "100", "--json")
        self.assertIsInstance(json.loads(ended.out)["lines"], list)
        self.assertRegex(self.network.must("--version").out, r"^tally \d+\.\d+\.\d+ ")

    def test_options_take_one_value_each(self):
        url = ("--url", self.network.url("alice"))
        self.assertEqual(self.network.submit({"_id": "item$1", "name": "chosen", "price": 7}).code, APPLIED)
        ended = self.network.must("query", "items", "item", "--select", "name,price", "name=chosen", "--json", *url)
        self.assertEqual([row["price"] for row in ended.json()["rows"]], [7])
        ended = self.network.run("import", "packages", "--url", self.network.url("alice"), "--key", self.network.clerk,
                                 "--charter", self.network.charter, "--ledger", "items", "no-such-index")
        self.assert_said(ended, USAGE, "no-such-index")

    def test_errors_as_json(self):
        ended = self.network.run("get", "items", "item/name=nothing", "--json", "--url", self.network.url("alice"))
        self.assertEqual(ended.code, USAGE)
        self.assertEqual(json.loads(ended.err)["error"]["code"], "unknown_subject")


class Files(unittest.TestCase):
    """Files that were bent on their way: nothing runs, and nothing is believed."""

    DAMAGED = ". Fetch it again: these bytes are damaged or something else. Give "

    @classmethod
    def setUpClass(cls):
        cls.network = Network(PROGRAM)
        cls.addClassCleanup(cls.network.close)
        cls.good = Path(cls.network.charter).read_bytes()

    def bent(self, content):
        path = Path(self.network.file("bent"))
        path.write_bytes(content)
        return str(path)

    def test_a_proof_that_cannot_be_read(self):
        for content, said in (
                (b"\x81" * 17 + b"\x00", "the CBOR nests too deeply: more than 16 levels"),
                (b"\x98\x07" + b"\x01" * 7, "the CBOR is not in its one canonical form"),  # 7 in two bytes
                (b"\x87\x01", "the CBOR ends too early"),
                (b"\x00\x00", "bytes follow the CBOR item"),
                (b"{}", "the CBOR ends too early"),
                (b"\x87" + b"\x01" * 7, "the CBOR holds another kind of item")):
            ended = self.network.run("verify", self.bent(content), "--charter", self.network.charter)
            self.assertEqual(ended.code, REJECTED, ended.said)
            self.assertIn("this is not a proof file: " + said + self.DAMAGED + "a file that `tally proof` wrote", ended.said)

    def test_a_proof_that_is_too_long(self):
        ended = self.network.run("verify", self.bent(bytes(2 * 1024 * 1024 + 1)), "--charter", self.network.charter)
        self.assertEqual(ended.code, USAGE, ended.said)
        self.assertIn("has more than 2097152 bytes", ended.said)

    def test_a_charter_that_is_spelled_in_another_way(self):
        self.assertEqual(self.good[0], 0x83)
        for content, said in ((b"\x98\x03" + self.good[1:], "the CBOR is not in its one canonical form"),
                              (b"\x81" * 17 + b"\x00", "the CBOR nests too deeply: more than 16 levels"),
                              (self.good + b"\x00", "bytes follow the CBOR item"),
                              (self.good[:-1], "the CBOR ends too early")):
            for command in (("charter", "show", self.bent(content)),
                            ("verify", self.network.clerk, "--charter", self.bent(content))):
                ended = self.network.run(*command)
                self.assertEqual(ended.code, USAGE, ended.said)
                self.assertIn("this is not a charter: " + said + self.DAMAGED + "the file that `tally charter new` wrote",
                              ended.said)

    def test_a_charter_whose_signatures_do_not_hold(self):
        signature = bytearray(self.good)
        signature[-10] ^= 1
        for content, names in ((bytes(signature), ["dave"]),
                               (self.good.replace(b"Test", b"Tesu"), Network.NAMES)):
            ended = self.network.run("charter", "show", self.bent(content))
            self.assertEqual(ended.code, REJECTED, ended.said)
            self.assertIn("dave at", ended.out)
            self.assertIn("SIGNATURE NOT VALID", ended.out)
            self.assertIn(f"NOT VALID: the signature of {', '.join(names)}. ", ended.err)
            self.assertIn("get it again", ended.err)
            self.assertNotIn("Still to sign", ended.said)
            told = self.network.run("charter", "show", self.bent(content), "--json")
            self.assertEqual(told.code, REJECTED)
            self.assertEqual((told.json()["invalid_signatures"], told.json()["complete"]), (names, False))

    def test_a_network_ledger_that_not_all_prove(self):
        draft = Path(self.network.file("draft.toml")).read_text().replace('name = "items"', 'name = "_network"')
        path = Path(self.network.file("few.toml"))
        path.write_text(draft + 'provers = ["alice", "bob", "carol"]\n')
        ended = self.network.run("charter", "new", str(path), "--out", self.network.file("few.charter"))
        self.assertEqual(ended.code, USAGE, ended.said)
        self.assertIn("_network is proved by all participants: list all 4 instead of 3. Correct them in the draft", ended.said)


class Operators(unittest.TestCase):
    """What stops a participant from starting."""

    def setUp(self):
        self.network = Network(PROGRAM)
        self.addCleanup(self.network.close)

    def refused(self, config, *words):
        ended = self.network.run("node", "--config", config, timeout=30)
        self.assertEqual(ended.code, USAGE, ended.said)
        for word in words:
            self.assertIn(word, ended.err)

    def test_a_charter_that_not_all_have_signed(self):
        network = Network(PROGRAM, sign_by=["alice", "bob", "carol"])
        self.addCleanup(network.close)
        ended = network.run("node", "--config", network.file("alice.toml"))
        self.assertEqual(ended.code, USAGE)
        self.assertIn("not signed by every founder: dave has not signed", ended.err)
        shown = network.must("charter", "show", network.charter)
        self.assertIn("dave at", shown.out)
        self.assertIn("NOT SIGNED", shown.out)
        for signed in ("items, proved by alice, bob, carol, dave", "vote weight 1", '"item/price"', "begins at"):
            self.assertIn(signed, shown.out)
        stranger = network.file("stranger.keys")
        network.must("keys", "new", "--participant", stranger)
        ended = network.run("charter", "sign", network.charter, "--keys", stranger)
        self.assertEqual(ended.code, USAGE)
        self.assertIn("belong to no participant of the charter", ended.err)

    def test_too_few_open_files(self):
        ended = subprocess.run(["bash", "-c", 'ulimit -n 30; exec "$@"', "-", PROGRAM, "node", "--config",
                                self.network.file("alice.toml")], capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(ended.returncode, UNREACHABLE, ended.stderr)
        for word in ("30 at most", "LimitNOFILE", "ulimit -n", "[descriptors_too_few]"):
            self.assertIn(word, ended.stderr)
        self.assertNotIn("terminate called", ended.stderr)

    def test_a_port_in_use(self):
        net = self.network
        net.start("alice", "bob", "carol")
        self.refused(net.write_config("dave", "http-taken", http=f"127.0.0.1:{net.http_ports['alice']}"),
                     "in use by another process", "configure another port")
        self.refused(net.write_config("dave", "listen-taken", listen=f"127.0.0.1:{net.peer_ports['alice']}"),
                     "in use by another process", "configure another port")

    def test_a_data_directory_that_is_locked(self):
        net = self.network
        net.start("alice", "bob", "carol")
        (http, listen) = free_ports(2)
        config = net.write_config("alice", "twice", http=f"127.0.0.1:{http}", listen=f"127.0.0.1:{listen}")
        self.refused(config, "the data directory is in use by another process")

    def test_a_data_directory_of_another_network(self):
        net = self.network
        net.start("alice", "bob", "carol")
        net.kill("alice")
        elsewhere = Network(PROGRAM)
        self.addCleanup(elsewhere.close)
        config = elsewhere.write_config("alice", "moved", data=net.file("alice-data"))
        self.refused(config, "belongs to another network")

    def test_a_data_directory_of_a_newer_version(self):
        folder = Path(self.network.file("dave-data")) / "journal"
        folder.mkdir(parents=True)
        payload = b"tallyjnl" + struct.pack(">I", 2)
        framed = struct.pack(">IB", len(payload), 255) + payload
        checksum = hashlib.sha256(b"\x70" + bytes(8) + framed).digest()[:8]
        (folder / "journal-000001").write_bytes(framed + checksum)
        self.refused(self.network.file("dave.toml"), "written by a newer version of tally")

    def test_an_unknown_configuration_key(self):
        config = self.network.write_config("alice", "typo", htpp="127.0.0.1:1")
        self.refused(config, '"htpp"', "known are charter, keys, data, listen, http")

    def test_a_configuration_that_is_something_else(self):
        for content in ("[{", "[=", "[[{", "[ {", "[\\", Path(self.network.file("genesis.json")).read_text()):
            config = self.network.file("items.toml")
            Path(config).write_text(content)
            self.refused(config, "[not_toml]", "a table's name")
            ended = self.network.run("charter", "new", config, "--out", self.network.file("none.charter"))
            self.assertEqual(ended.code, USAGE)
            self.assertIn("[not_toml]", ended.err)

    def test_configured_values_of_the_wrong_type(self):
        good = Path(self.network.file("alice.toml")).read_text()
        for line, words in (("listen = 7000", "listen in"), ("http = 8080", "http in")):
            config = self.network.file("typed.toml")
            kept = "".join(one for one in good.splitlines(True) if not one.startswith(line.split()[0]))
            Path(config).write_text(kept + line + "\n")
            self.refused(config, "[bad_value]", words, "must be a text, not")

    def health(self, name):
        try:
            with urllib.request.urlopen(self.network.url(name) + "/healthz", timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def test_two_of_four_down(self):
        net = self.network
        net.start(*Network.NAMES)

        def health():
            return self.health("alice")
        deadline = time.monotonic() + 20
        while health()[0] != 200:  # It asks the others first what it has signed.
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        net.kill("carol")
        net.kill("dave")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and health()[0] == 200:
            time.sleep(0.2)
        words = "2 of 4 heard, 3 needed: nothing is ordered"
        self.assertEqual(health(), (503, {"ok": False, "note": words}))
        shown = net.must("status", "--url", net.url("alice"))
        self.assertIn(words, shown.out)
        self.assertNotIn("may stop or lie", shown.out)
        net.start("carol")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and health()[0] != 200:
            time.sleep(0.2)
        self.assertEqual(health()[0], 200)

    def test_a_journal_that_is_missing(self):
        """It starts, signs nothing, says so everywhere, and takes no transactions; the others go on. With the
        journal put back it signs again."""
        net = self.network
        net.start(*Network.NAMES)
        self.assertEqual(net.submit({"_id": "item$1", "name": "kept"}, to="dave").code, APPLIED)
        net.kill("dave", signal.SIGTERM)
        journal = Path(net.file("dave-data")) / "journal"
        shutil.move(journal, net.file("aside"))
        net.start("dave")
        shown = net.must("status", "--url", net.url("dave"))
        for words in ("NOT SIGNING", "the journal is lost", "is missing or empty", "Submit elsewhere"):
            self.assertIn(words, shown.out)
        health = self.health("dave")
        self.assertEqual(health[0], 503)
        self.assertIn("the journal is lost", health[1]["note"])
        self.assertIn("the journal is lost", net.log("dave"))
        refused = net.submit({"_id": "item$1", "name": "refused"}, to="dave")
        self.assertIn("[journal_lost]", refused.err)
        self.assertEqual(net.submit({"_id": "item$1", "name": "without dave"}, to="alice").code, APPLIED)
        net.kill("dave", signal.SIGTERM)
        shutil.rmtree(journal, ignore_errors=True)
        shutil.move(net.file("aside"), journal)
        net.start("dave")

    def test_keys_of_nobody(self):
        keys = self.network.file("stranger.keys")
        self.network.must("keys", "new", "--participant", keys)
        self.refused(self.network.write_config("alice", "stranger", keys=keys), "belong to no participant")

    def test_http_for_the_world(self):
        self.refused(self.network.write_config("alice", "open", http="0.0.0.0:8080"), "a loopback address only")

    def test_a_file_is_never_overwritten(self):
        before = Path(self.network.clerk).read_text()
        ended = self.network.run("keys", "new", self.network.clerk)
        self.assertEqual(ended.code, USAGE)
        self.assertIn("there already", ended.err)
        self.assertEqual(Path(self.network.clerk).read_text(), before)

    def test_a_file_whose_name_is_none(self):
        ended = self.network.run("keys", "new", self.network.file(300 * "k"))
        self.assertEqual(ended.code, USAGE, ended.said)
        self.assertIn("[file_unwritable]", ended.err)

    def test_a_peer_of_another_network(self):
        """Dave's machine runs a participant of another network: it is refused, both sides say why, the rest goes on."""
        net = self.network
        net.start("alice", "bob", "carol")
        elsewhere = Network(PROGRAM)
        self.addCleanup(elsewhere.close)
        # The stranger dials alice's address as if it were its own network's alice.
        draft = Path(elsewhere.file("draft.toml")).read_text()
        draft = draft.replace(f"127.0.0.1:{elsewhere.peer_ports['alice']}", f"127.0.0.1:{net.peer_ports['alice']}")
        Path(elsewhere.file("draft.toml")).write_text(draft)
        Path(elsewhere.charter).unlink()
        elsewhere.must("charter", "new", elsewhere.file("draft.toml"), "--out", elsewhere.charter)
        for name in Network.NAMES:
            elsewhere.must("charter", "sign", elsewhere.charter, "--keys", elsewhere.file(f"{name}.keys"))
        with open(elsewhere.file("dave.log"), "w", encoding="utf-8") as log:
            elsewhere.processes["dave"] = subprocess.Popen(
                [PROGRAM, "node", "--config", elsewhere.file("dave.toml"), "--with-parent", str(os.getpid())], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and "network" not in self.said_of_refusal(elsewhere.log("dave")):
            time.sleep(0.1)
        self.assertIn("network", self.said_of_refusal(elsewhere.log("dave")))
        self.assertEqual(net.submit({"_id": "item$1", "name": "undisturbed"}).code, APPLIED)

    @staticmethod
    def said_of_refusal(log):
        return "\n".join(line for line in log.splitlines() if "refused" in line or "Compare the charters" in line)


if __name__ == "__main__":
    unittest.main(verbosity=1)
