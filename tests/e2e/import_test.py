"""A package index is loaded once, however often its import is interrupted, and what cannot be loaded is said."""

import gzip
import json
import lzma
import re
import signal
import subprocess
import sys
import time
import unittest
import urllib.request
from pathlib import Path

from network import Network

PROGRAM, EXTRACT = sys.argv.pop(1), sys.argv.pop(1)
RECORDS = 800
CAT = "/usr/lib/apt/apt-helper"


def own_index():
    """The largest index that apt keeps on this machine; the shipped extract if there is none."""
    files = sorted(Path("/var/lib/apt/lists").glob("*Packages*"), key=lambda path: path.stat().st_size)
    if files and Path(CAT).exists():
        done = subprocess.run([CAT, "cat-file", str(files[-1])], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.startswith("Package: "):
            return done.stdout
    return Path(EXTRACT).read_text()


def stanzas(text):
    return [stanza + "\n\n" for stanza in re.split(r"\n\n+", text.strip())]


def dependencies_of(stanza):
    """How many alternatives its dependencies name."""
    fields = re.findall(r"^(?:Pre-)?Depends: (.*)$", stanza, re.MULTILINE)
    return sum(1 for field in fields for group in field.split(",") for one in group.split("|") if one.strip())


def stanza(name, version="1", more="", leave_out=""):
    fields = {"Package": name, "Version": version, "Architecture": "all", "Maintainer": "A <a@example.org>", "Size": "1",
              "SHA256": (name + version).encode().hex().ljust(64, "0")[:64]}
    return "".join(f"{key}: {value}\n" for key, value in fields.items() if key != leave_out) + more + "\n"


class Import(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = Network(PROGRAM, ledgers=("packages",),
                              genesis=lambda net: net.must("import", "schema", "--key", net.clerk, "--json").out)
        cls.addClassCleanup(cls.network.close)
        cls.network.start(*Network.NAMES)

    def arguments(self, file, *options):
        urls = [option for name in Network.NAMES for option in ("--url", self.network.url(name))]
        return ["import", "packages", file, "--charter", self.network.charter, "--key", self.network.clerk, *urls,
                "--json", *options]

    def load(self, content, *options, name="index"):
        file = self.network.file(name)
        Path(file).write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.network.run(*self.arguments(file, *options), timeout=120)

    def rows(self, collection, order):
        """Everything of a collection, page by page."""
        found, last = [], ""
        while True:
            query = {"from": collection, "where": [[order, ">", last]], "order": order, "limit": 10_000}
            request = urllib.request.Request(f"{self.network.url('dave')}/v1/ledgers/packages/query",
                                             json.dumps(query).encode(), {"content-type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer = json.load(answer)
            found += answer["rows"]
            if not answer["more"]:
                return found
            last = found[-1][order]

    def interrupt(self, file, how, collection, order, whom=None):
        """Starts an import, and sends `how` to it, or to the participant `whom`, after some new rows."""
        before = len(self.rows(collection, order))
        process = subprocess.Popen([PROGRAM, *self.arguments(file, "--in-flight", "16")], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 90
        while len(self.rows(collection, order)) < before + 150 and process.poll() is None:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertIsNone(process.poll(), "it was over before it could be interrupted")
        if whom:
            self.network.kill(whom, how)
        else:
            process.send_signal(how)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def executed(self):
        return self.network.must("status", "--json", "--url", self.network.url("alice")).json()["ledgers"][0]["executed"]

    def settled(self):
        """Bob returns with what was in its lane when it was killed: until nothing more comes of that."""
        before = None
        while before != self.executed():
            before = self.executed()
            time.sleep(3)
        return before

    def test_1_interrupted_by_everything_it_loads_each_record_once(self):
        chosen = stanzas(own_index())[:RECORDS]
        file = self.network.file("Packages.xz")
        Path(file).write_bytes(lzma.compress("".join(chosen).encode()))

        self.assertEqual(self.interrupt(file, signal.SIGKILL, "package", "name")[0], -signal.SIGKILL)
        code, out, err = self.interrupt(file, signal.SIGINT, "package", "name")
        self.assertEqual(code, 3, err)
        self.assertIn("Run the same command again", err)
        self.assertGreater(json.loads(out)["packages"]["there"], 0)
        self.assertEqual(self.interrupt(file, signal.SIGKILL, "dependency", "key")[0], -signal.SIGKILL)
        code, out, err = self.interrupt(file, signal.SIGKILL, "dependency", "key", whom="bob")
        self.assertEqual(code, 0, err + out)
        self.network.start("bob")
        self.assertTrue(json.loads(out)["complete"])

        before = self.settled()
        again = self.network.run(*self.arguments(file, "--report", self.network.file("report.json")))
        self.assertEqual(again.code, 0, again.said)
        report = again.json()
        self.assertEqual(json.loads(Path(self.network.file("report.json")).read_text()), report)
        dependencies = sum(map(dependencies_of, chosen))
        self.assertEqual((report["records"], report["transactions"], report["refused"]), (RECORDS, 0, 0))
        self.assertEqual(report["packages"], {"loaded": 0, "there": RECORDS})
        self.assertEqual(report["dependencies"], {"loaded": 0, "there": dependencies})
        self.assertEqual(before, self.executed(), "nothing was submitted")

        names = {re.match(r"Package: (.*)", one)[1] for one in chosen}
        packages = {row["name"]: row for row in self.rows("package", "name")}
        self.assertEqual(set(packages), names)
        rows = self.rows("dependency", "key")
        self.assertEqual(len(rows), dependencies)
        self.assertEqual(len({row["key"] for row in rows}), dependencies)
        for row in rows:
            name = row.get("virtual")
            self.assertTrue(("target" in row) != (name is not None), row)
            self.assertNotIn(name, names, "a package that is loaded is referred to")
        for one in chosen:
            self.assertEqual(packages[re.match(r"Package: (.*)", one)[1]]["dependency_count"], dependencies_of(one))

    def test_2_what_is_refused_is_said_with_its_line_and_reason(self):
        good = self.load(gzip.compress((stanza("zz-one", more="Depends: zz-two | zz-none, zz-one\n") + stanza("zz-two",
                         more="Depends: zz-one\n")).encode()))
        self.assertEqual(good.code, 0, good.said)
        self.assertEqual(good.json()["dependencies"]["loaded"], 4)
        bad = self.load(stanza("zz-three") + stanza("zz-four", leave_out="SHA256") + stanza("zz-three", "2")
                        + stanza("zz-two", "7") + stanza("zz-" + "x" * 70_000))
        self.assertEqual(bad.code, 1, bad.said)
        report = bad.json()
        self.assertEqual((report["packages"]["loaded"], report["refused"]), (1, 4))
        reasons = {refusal["line"]: refusal["reason"] for refusal in report["refusals"]}
        self.assertIn("lacks SHA256", reasons[8])
        self.assertIn("already in line 1", reasons[14])
        self.assertIn("other content (version 1)", reasons[21])
        self.assertIn("too large", reasons[28])

    def test_2_what_is_no_text_is_told_as_text(self):
        ended = self.load(stanza("zz-six").encode().replace(b"zz-six", b"\xff\xfe"), "--report",
                          self.network.file("bytes.json"))
        self.assertEqual(ended.code, 1, ended.said)
        self.assertEqual(ended.json()["refused"], 1)
        report = Path(self.network.file("bytes.json")).read_bytes().decode("utf-8")
        self.assertEqual(json.loads(report), ended.json())
        self.assertIn("\ufffd", ended.json()["refusals"][0]["record"])

    def test_3_what_is_no_index_is_refused_whole(self):
        for content, code in ((b"", "no_index"), (b"hello\n", "no_index"), (Path(PROGRAM).read_bytes()[:100_000], "no_index"),
                              (gzip.compress(stanza("zz-five").encode())[:-5], "file_cut_short"),
                              (stanza("zz-five").rstrip().encode(), "file_cut_short")):
            ended = self.load(content)
            self.assertEqual(ended.code, 2, ended.said)
            self.assertEqual(json.loads(ended.err)["error"]["code"], code)
        self.assertEqual(self.network.run(*self.arguments("/no/such/file")).code, 2)
        self.assertNotIn("zz-five", {row["name"] for row in self.rows("package", "name")})

    def test_4_nobody_there_is_unreachable(self):
        nowhere = self.network.run("import", "packages", EXTRACT, "--charter", self.network.charter, "--key",
                                   self.network.clerk, "--url", "http://127.0.0.1:9", "--json")
        self.assertEqual(nowhere.code, 4, nowhere.said)


if __name__ == "__main__":
    unittest.main()
