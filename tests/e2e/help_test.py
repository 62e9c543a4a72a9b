"""Every example that some `--help` shows works as it stands there, in a folder with files of those names."""

import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import network
from network import Network

PROGRAM = sys.argv.pop(1)
RECORD = """Package: {0}
Version: 1.0
Architecture: all
Maintainer: Somebody <somebody@example.org>
Size: {2}
SHA256: {1}

"""
# What a small network does not have: the example is understood, and answered with that.
NOT_HERE = ("[unknown_subject]", "[unknown_block]", "[unknown_batch]", "[epoch_too_few_votes]")
# They stay, take minutes, or both: their grammar is tried, and tests of their own run them.
LONG = {"tally demo": "", "tally demo --data my-demo": "", "tally demo --check --json": "",
        "tally bench --seconds 60 --json": "", "tally bench --seconds 60 --rate 1250 --json": "",
        "tally bench --transactions 1000000 --json": "tally bench --transactions 200 --json",
        "tally sim --seed 1 --seeds 100": "tally sim --seed 1 --seeds 2",
        "tally sim --seed 1 --seeds 20 --canary quorum_one_short": ""}
# Those of a network that has stopped: recovery_test.py and docs/run-a-network.md run them.
STOPPED = "tally recovery "


def help_of(*command):
    return subprocess.run([PROGRAM, *command, "--help"], capture_output=True, text=True, check=True).stdout


def commands(*above):
    """Every command, as a tuple of words."""
    text = help_of(*above)
    listed = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.MULTILINE)
    if listed is None:
        return [above]
    names = re.findall(r"^  (\w+)", listed[1], re.MULTILINE)
    return [found for name in names for found in commands(*above, name)]


def examples(*command):
    text = help_of(*command).partition("Examples:\n")[2]
    found = re.findall(r"^ +(tally (?:.*\\\n)*.*)$", text, re.MULTILINE)
    return [re.sub(r"\s+# .*$", "", line) for line in found]


class Help(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(setattr, network, "schema", network.schema)
        network.schema = cls.schema
        cls.network = Network(PROGRAM, ledgers=("packages",))
        cls.addClassCleanup(cls.network.close)
        cls.network.start(*Network.NAMES)
        net, folder = cls.network, cls.network.folder
        shutil.copy(net.clerk, folder / "me.json")
        for name in Network.NAMES:
            shutil.copy(net.file(f"{name}.keys"), folder / f"{name}.json")
        index = "".join(RECORD.format(name, f"{at:064x}", at) for at, name in enumerate(("zlib1g", "libabc"), 1))
        (folder / "Packages.xz").write_bytes(lzma.compress(index.encode()))
        (folder / "change.toml").write_text("[parameters]\nlate_after_us = 200000\n")
        (folder / "changes.json").write_text('[{"_id": "maintainer$1", "name": "Changed"}]')
        net.must("import", "packages", net.file("Packages.xz"), "--charter", net.charter, "--key", net.clerk,
                 "--url", net.url("alice"))
        cls.id = json.loads(net.submit({"_id": "maintainer$1", "name": "First"}, "--json", ledger="packages").out)["transaction"]

    @staticmethod
    def schema(did):
        """The genesis for packages, which the holder of `did` may write."""
        folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
        made = subprocess.run([PROGRAM, "keys", "new", str(folder / "key"), "--json"], capture_output=True, text=True, check=True)
        text = subprocess.run([PROGRAM, "import", "schema", "--key", str(folder / "key")], capture_output=True, text=True,
                              check=True).stdout
        shutil.rmtree(folder)
        return json.loads(text.replace(json.loads(made.stdout)["did"], did))

    def run_example(self, line):
        net = self.network
        line = line.replace(" ID", f" {self.id}")
        for name, port in (("alice", 7181), ("bob", 7182)):
            line = line.replace(f"http://127.0.0.1:{port}", net.url(name))
        if line.startswith("tally charter new"):
            (net.folder / "network.charter").rename(net.folder / "kept.charter")
        for new in ("maintainer.json", "zlib1g.proof", "old.proof", "tx.proof"):
            if f"keys new {new}" in line:
                (net.folder / new).unlink(missing_ok=True)
        if "keys new --participant" in line:
            (net.folder / "alice.json").unlink()
        environment = {**os.environ, "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}", "TALLY_URL": net.url("alice")}
        done = subprocess.run(["bash", "-c", line], cwd=net.folder, env=environment, capture_output=True, text=True,
                              timeout=120, check=False)
        if "keys new --participant" in line:
            shutil.copy(net.file("alice.keys"), net.folder / "alice.json")
        if line.startswith("tally charter new"):
            (net.folder / "kept.charter").rename(net.folder / "network.charter")
        return done

    def test_every_example(self):
        tried = 0
        for command in commands():
            shown = examples(*command)
            self.assertTrue(shown, f"{command} shows no example")
            for line in shown:
                with self.subTest(line=line):
                    tried += 1
                    if line.startswith(("tally node ", STOPPED)):
                        continue  # Four of them run.
                    line = LONG.get(line, line)
                    if not line:
                        continue
                    done = self.run_example(line)
                    if done.returncode != 0:
                        self.assertTrue(any(code in done.stderr for code in NOT_HERE), done.stdout + done.stderr)
        self.assertGreater(tried, 30)


if __name__ == "__main__":
    unittest.main(verbosity=1)
