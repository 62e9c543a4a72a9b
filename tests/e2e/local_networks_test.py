"""The networks that `demo` and `bench` make on this machine leave nothing behind, however they end, and do with any
records."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

PROGRAM = sys.argv.pop(1)
RECORDS = """Package: alpha
Version: 1.0
Architecture: all
Maintainer: Somebody <somebody@example.org>
Depends: beta
Size: 1000
SHA256: {0}

Package: beta
Version: 2.0
Architecture: all
Maintainer: Somebody <somebody@example.org>
Size: 2000
SHA256: {1}
""".format("11" * 32, "22" * 32)


class LocalNetworks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tally-local-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.records = self.folder / "Packages"
        self.records.write_text(RECORDS)
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.environment = {**os.environ, "TMPDIR": str(self.temporary)}

    def start(self, *arguments, **more):
        return subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=self.environment, cwd=self.folder, **more)

    def assert_nothing_left(self):
        self.assertEqual(list(self.temporary.iterdir()), [])

    def test_a_demo_of_few_records_that_is_kept(self):
        demo = self.start("demo", "--check", "--records", str(self.records), "--data", "kept")
        said, _ = demo.communicate(timeout=200)
        self.assertEqual(demo.returncode, 0, said)
        lines = [line for line in said.splitlines() if line.startswith("    ") and " node --config " in line]
        self.assertEqual(len(lines), 4, said)
        self.assertTrue((self.folder / "kept" / "network.charter").exists())

    def test_a_demo_whose_folder_is_taken(self):
        (self.folder / "taken").mkdir()
        (self.folder / "taken" / "file").write_text("x")
        demo = self.start("demo", "--check", "--data", "taken")
        said, _ = demo.communicate(timeout=60)
        self.assertEqual(demo.returncode, 1, said)
        self.assertIn("the folder is not empty", said)
        self.assertNotIn("is kept in", said)

    def test_a_demo_that_nobody_reads_any_more(self):
        demo = self.start("demo", "--records", str(self.records))
        demo.stdout.readline()
        demo.stdout.close()
        demo.wait(60)
        self.assert_nothing_left()

    def test_a_bench_that_is_interrupted(self):
        for seconds in (0.5, 4):
            bench = self.start("bench", "--seconds", "30", "--rate", "50")
            time.sleep(seconds)
            bench.send_signal(signal.SIGINT)
            said, _ = bench.communicate(timeout=30)
            self.assertEqual(bench.returncode, 2, said)
            self.assertIn("[interrupted]", said)
            self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main(verbosity=1)
