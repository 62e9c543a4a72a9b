"""A transaction that an independent JOSE library made, sent with curl as examples/sign-and-submit shows, is applied."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

from network import Network

PROGRAM, NODE, CURL, EXAMPLE = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)


class JoseInterop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = Network(PROGRAM)
        cls.addClassCleanup(cls.network.close)
        cls.network.start(*Network.NAMES)

    def script(self, *arguments):
        done = subprocess.run([NODE, str(Path(EXAMPLE) / "sign.mjs"), *arguments], capture_output=True, text=True,
                              timeout=30, check=True)
        return done.stdout.strip(), done.stderr.strip()

    def curl(self, *arguments, text=""):
        done = subprocess.run([CURL, "-s", *arguments], input=text, capture_output=True, text=True, timeout=30, check=True)
        return json.loads(done.stdout)

    def sign_and_submit(self, algorithm):
        net, url = self.network, self.network.url("bob")
        key, name = net.file(f"{algorithm}.json"), f"signed with {algorithm}"
        did, _ = self.script("key", key, "--alg", algorithm)
        network = self.curl(f"{url}/v1/status")["network"]
        sign = ("sign", key, "--network", network, "--ledger", "items", json.dumps({"_id": "item$1", "name": name}))
        send = ("-X", "POST", "-H", "content-type: application/jose", "--data-binary", "@-",
                f"{url}/v1/ledgers/items/transactions?wait=certified")

        envelope, _ = self.script(*sign)
        before = self.curl(*send, text=envelope)
        self.assertEqual(before["outcome"], "rejected", before)
        self.assertIn("does not know the signer", before["explanation"])

        added = net.submit({"_id": "_auth$1", "id": did, "roles": [["_role/id", "clerk"]]})
        self.assertEqual(added.code, 0, added.said)
        envelope, said = self.script(*sign)
        answer = self.curl(*send, text=envelope)
        self.assertEqual(answer["outcome"], "applied", answer)
        self.assertEqual(said, f"transaction {answer['transaction']}")
        found = net.must("get", "items", f"item/name={name}", "--json", "--url", net.url("dave"))
        self.assertEqual(found.json()["subject"]["name"], name)

    def test_eddsa(self):
        self.sign_and_submit("EdDSA")

    def test_es256k(self):
        self.sign_and_submit("ES256K")


if __name__ == "__main__":
    unittest.main(verbosity=1)
