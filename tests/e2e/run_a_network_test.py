"""Every command of docs/run-a-network.md works as it stands there, on four machines. What is not run here: how the
program is built (it is), and what needs the world outside (a package, time servers)."""

import fnmatch
import re
import shutil
import signal
import sys
import unittest
from pathlib import Path

from machines import Machines, NoMachines, why_not

PROGRAM, DOCUMENT = Path(sys.argv.pop(1)), Path(sys.argv.pop(1))
SOURCE = DOCUMENT.parents[1]
NAMES = ["alice", "bob", "carol", "dave"]
# A step is a block of commands, with whose they are, or a file that people send to each other.
STEP = re.compile(r"^```(.*)\n((?:.*\n)*?)^```$|^<!-- carry (\S+) from (\S+) to (\S+) -->$", re.MULTILINE)


def who(word):
    return NAMES if word == "every" else [word]


class RunANetwork(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = why_not()
        if reason:
            raise unittest.SkipTest(reason)
        try:
            cls.net = Machines(NAMES, {PROGRAM: "/root/tally/build/tally", SOURCE / "examples": "/root/tally/examples"})
            cls.addClassCleanup(cls.net.close)
            cls.net.boot()
        except NoMachines as reason:
            raise unittest.SkipTest(str(reason)) from reason
        for machine in cls.net.machines.values():
            machine.log_in("/root/tally")

    def folder(self, name):
        return self.net.machines[name].root / "root/tally"

    def carry(self, files, sender, to):
        for one in who(sender):
            for path in sorted(self.folder(one).iterdir()):
                if not fnmatch.fnmatch(path.name, files):
                    continue
                for other in who(to):
                    if other != one:
                        shutil.copyfile(path, self.folder(other) / path.name)

    def test_every_command(self):
        said = {}
        for step in STEP.finditer(DOCUMENT.read_text()):
            if step[3]:
                self.carry(*step.group(3, 4, 5))
                continue
            words, commands = step[1].split(), step[2]
            if words[0] != "sh":
                self.fail(f"a block of {step[1]!r}: it is neither somebody's commands nor marked as not to be run")
            if words[1] in ("build", "outside"):
                continue
            for name in NAMES if words[1] == "relay" else who(words[1]):
                said[name, commands] = self.net.machines[name].type(commands)
                for file in words[2:]:  # To the next.
                    for other in NAMES:
                        if other != name:
                            shutil.copyfile(self.folder(name) / file, self.folder(other) / file)
        everything = "\n".join(said.values())
        for words in ("applied in block 1", "nail", "screw", "begins epoch 1", '"ok":true', "tally_signing 1"):
            self.assertIn(words, everything)
        shown = {text for (_, commands), text in said.items() if commands.startswith("tally charter show")}
        self.assertEqual(len(shown), 1, "all are shown the same charter")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))  # Through what it has to clean up.
    result = unittest.main(verbosity=1, exit=False).result
    if result.skipped:
        print("SKIPPED:", result.skipped[0][1])
    sys.exit(77 if result.skipped else 0 if result.wasSuccessful() else 1)
