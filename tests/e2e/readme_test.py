"""Every command of the README's tours works as it stands there."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM, README = Path(sys.argv.pop(1)), Path(sys.argv.pop(1))
# The tours call the program `tally`, wherever it was built.
FIRST = f"set -euo pipefail\nPATH={PROGRAM.parent}:$PATH\n"


def blocks(kind):
    return "\n".join(re.findall(rf"^```sh {kind}\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL))


class Readme(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tally-readme-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_script(self, text):
        # In a group of its own, so that what it started can be ended with it.
        process = subprocess.Popen(["bash", "-c", FIRST + text], cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, start_new_session=True)
        try:
            said, _ = process.communicate(timeout=120)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.assertEqual(process.returncode, 0, said)
        return said

    def test_the_tour(self):
        with open(Path(self.folder) / "demo.log", "w", encoding="utf-8") as log:
            demo = subprocess.Popen([PROGRAM, "demo", "--data", "my-network"], cwd=self.folder, stdout=subprocess.PIPE,
                                    stderr=log, text=True)
        self.addCleanup(demo.stdout.close)
        self.addCleanup(demo.wait)
        self.addCleanup(demo.send_signal, signal.SIGINT)
        shown = ""
        for line in demo.stdout:
            shown += line
            if line.startswith("curl -s "):  # The last of what it proposes to try.
                break
        url = re.search(r"curl -s (http://[0-9.:]+)", shown)
        self.assertIsNotNone(url, shown)
        port = int(url[1].rsplit(":", 1)[1])
        tour = blocks("tour")
        for i in range(4):
            tour = tour.replace(f"127.0.0.1:718{i + 1}", f"127.0.0.1:{port + i}")
        tour = tour.replace("127.0.0.1:718{1,2,3,4}", f"127.0.0.1:{{{port},{port + 1},{port + 2},{port + 3}}}")
        said = self.run_script(tour)
        for words in ("zlib1g", "rejected, with the reason: exit code 1", "proof checked", "final:", "tally_"):
            self.assertIn(words, said)

    def test_the_limits_are_those_of_the_program(self):
        table = re.search(r"^## Limits\n\n(\|.*?\n)\n", README.read_text(), re.MULTILINE | re.DOTALL)[1]
        told = subprocess.run([PROGRAM, "limits", "--markdown"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(table, told, "write the output of `tally limits --markdown` into the README")

    def test_a_network_of_your_own(self):
        said = self.run_script(blocks("own"))
        self.assertIn("applied in block 1", said)


if __name__ == "__main__":
    unittest.main(verbosity=1)
