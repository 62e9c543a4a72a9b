"""Sealed transactions through a real network: nothing in the envelope tells their content, they take effect once like
any other, and open with any f participants stopped."""

import base64
import json
import sys
import time
import unittest

from network import Network

PROGRAM = sys.argv.pop(1)
APPLIED = 0


def decoded(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Sealed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = Network(PROGRAM)
        cls.addClassCleanup(cls.network.close)
        cls.network.start(*Network.NAMES)

    def seal(self, name):
        return self.network.must("tx", "sign", json.dumps({"_id": "item$1", "name": name}), "--sealed",
                                 "--key", self.network.clerk, "--charter", self.network.charter,
                                 "--url", self.network.url("alice"), "--json").json()

    def submit(self, envelope, at="bob"):
        return self.network.run("tx", "submit", "--signed", "-", "--charter", self.network.charter,
                                "--url", self.network.url(at), "--json", text=envelope)

    def test_content_is_hidden_until_it_is_executed(self):
        sealed = self.seal("a hidden name")
        _, payload, _ = sealed["envelope"].split(".")
        self.assertNotIn("tx", decoded(payload))
        self.assertNotIn("a hidden name", base64.urlsafe_b64decode(payload + "==").decode())
        ended = self.submit(sealed["envelope"])
        self.assertEqual(ended.code, APPLIED, ended.said)
        self.assertIn("verified", ended.json(), "its proof holds like any other")
        shown = self.network.must("tx", "show", "items", sealed["transaction"],
                                  "--url", self.network.url("carol"), "--json").json()
        self.assertEqual(len(shown["sealing_key"]), 64)
        again = self.submit(sealed["envelope"], at="carol")
        self.assertEqual(again.code, APPLIED, again.said)
        self.assertEqual(again.json()["height"], ended.json()["height"], "it counts once")

    def test_it_opens_while_one_of_four_is_stopped(self):
        self.network.kill("dave")
        try:
            ended = self.submit(self.seal("three are enough")["envelope"])
            self.assertEqual(ended.code, APPLIED, ended.said)
        finally:
            self.network.start("dave")
        end = time.monotonic() + 60
        while time.monotonic() < end:
            ledgers = [self.network.must("status", "--url", self.network.url(name), "--json").json()["ledgers"][0]
                       for name in ("alice", "dave")]
            if ledgers[0]["executed"] == ledgers[1]["executed"]:
                break
            time.sleep(0.2)
        self.assertEqual(ledgers[0]["header"], ledgers[1]["header"], "who was away executes the same")

    def test_nonsense_is_refused_before_it_is_sealed(self):
        ended = self.network.run("tx", "sign", "[1]", "--sealed", "--key", self.network.clerk,
                                 "--charter", self.network.charter, "--url", self.network.url("alice"))
        self.assertNotEqual(ended.code, 0)
        self.assertIn("list of changes", ended.said)


if __name__ == "__main__":
    unittest.main()
