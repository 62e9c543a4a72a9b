"""Every error that a user can meet says what it is, what it means and what to do next."""

import re
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"
TEXT = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
ENTRY = re.compile(r"return\s*\{\s*" + TEXT + r",\s*" + TEXT + r",\s*" + TEXT + r"\}")
WITHOUT = {"applied"}  # No error.
# What one participant finds wrong with another's messages goes to logs and counters: nobody can do anything next.
AMONG_PARTICIPANTS = re.compile(r"/(ordering/.*|io/(peer_|tls_identity).*)$")


def plain(literals):
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals))


class Errors(unittest.TestCase):
    def test_every_description_is_complete(self):
        described = 0
        for path in sorted(SOURCE.rglob("*.cpp")):
            if path.name.endswith("_test.cpp") or AMONG_PARTICIPANTS.search(str(path)):
                continue
            text = path.read_text()
            for start in re.finditer(r"^ErrorText describe\([^;]*?\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
                body = start[1]
                entries = ENTRY.findall(body)
                self.assertEqual(len(entries), len(re.findall(r"\breturn\b", body)), f"{path}: an entry is not plain text")
                for code, cause, following in entries:
                    with self.subTest(path=str(path), code=plain(code)):
                        self.assertRegex(plain(code), r"^[a-z0-9_]+$")
                        self.assertTrue(plain(cause))
                        self.assertTrue(plain(following) or plain(code) in WITHOUT, "it says no next step")
                        described += 1
        self.assertGreater(described, 150)


if __name__ == "__main__":
    unittest.main(verbosity=1)
