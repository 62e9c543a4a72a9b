"""docs/operate.md lists what `/metrics` gives, and what the log says; and both are there when something happens."""

import json
import re
import signal
import sys
import time
import unittest
import urllib.request
from pathlib import Path

from network import Network

PROGRAM, DOCUMENT = sys.argv.pop(1), Path(sys.argv.pop(1))
TEXT = DOCUMENT.read_text()
LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warning|error) (\w+) (\w+)(( \w+=(\S+|\".*?\"))*) -- \S.*$")


def section(name):
    return re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)[1]


def soon(holds, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False


class Operate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = Network(PROGRAM)
        cls.addClassCleanup(cls.network.close)
        cls.network.write_config("bob", log_format="json")
        cls.network.write_config("dave", log_level="error")
        cls.network.start(*Network.NAMES)
        cls.network.submit({"_id": "item$1", "name": "first"})

    def metrics(self, name="alice"):
        with urllib.request.urlopen(self.network.url(name) + "/metrics", timeout=10) as answer:
            return answer.read().decode()

    def test_every_metric_is_documented_and_every_documented_metric_is_there(self):
        given = set(re.findall(r"^# TYPE (\w+) ", self.metrics(), re.MULTILINE))
        documented = set(re.findall(r"^\| `(\w+)` \|", section("Metrics"), re.MULTILINE))
        self.assertEqual(given, documented)
        self.assertGreater(len(given), 40)

    def test_alerts_name_metrics_that_are_there(self):
        given = set(re.findall(r"^# TYPE (\w+) ", self.metrics(), re.MULTILINE))
        named = set(re.findall(r"\b((?:tally|process)_\w+)", section("What to alert on")))
        self.assertLess(named, given)
        self.assertGreater(len(named), 15)

    def test_metrics_say_what_has_happened(self):
        text = self.metrics()

        def value(name):
            found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
            self.assertIsNotNone(found, name)
            return float(found[1])
        self.assertEqual(value("tally_signing"), 1)
        self.assertGreaterEqual(value("tally_participants_heard"), 3)
        self.assertGreaterEqual(value("tally_transactions_submitted_total"), 1)
        self.assertEqual(value("tally_pipeline_failures_total"), 0)
        self.assertEqual(value('tally_http_too_fast_total{quota="signer"}'), 0)
        self.assertGreater(value("tally_journal_syncs_total"), 0)
        self.assertGreater(value("tally_journal_sync_seconds_max"), 0)
        self.assertGreaterEqual(value("tally_http_connections"), 1)
        self.assertGreater(value("tally_disk_free_bytes"), 1e6)
        self.assertGreater(value("process_resident_memory_bytes"), 1e6)
        self.assertGreater(value("process_max_fds"), value("process_open_fds"))
        self.assertLess(abs(time.time() - value("process_start_time_seconds")), 120)
        self.assertLess(abs(value('tally_peer_clock_ahead_seconds{peer="bob"}')), 5)

    def test_what_the_log_says(self):
        net = self.network
        documented = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", section("The log"), re.MULTILINE))))
        net.kill("carol")
        net.kill("dave", signal.SIGTERM)
        self.assertTrue(soon(lambda: "agreement_lost" in net.log("alice") and "peer_silent" in net.log("bob")))
        net.start("carol")
        self.assertTrue(soon(lambda: net.log("alice").count("agreement_up") > 1))
        net.start("dave")

        seen = set()
        for line in net.log("alice").splitlines():
            parts = LINE.match(line)
            self.assertIsNotNone(parts, line)
            seen.add(parts[3])
        for line in net.log("bob").splitlines():
            one = json.loads(line)
            self.assertLess({"time", "level", "component", "event", "message"}, {*one, "fields"})
            seen.add(one["event"])
        self.assertLess({"starting", "ready", "peer_connected", "peer_silent", "agreement_lost"}, seen)
        self.assertLessEqual(seen, documented, "docs/operate.md does not list all events")
        silent = [one for one in map(json.loads, net.log("bob").splitlines()) if one["event"] == "peer_silent"]
        self.assertLessEqual({one["peer"] for one in silent}, {"carol", "dave"})
        for line in net.log("dave").splitlines():
            self.assertIn(" error ", line)

    def test_every_documented_event_is_one_of_the_program(self):
        source = "".join(path.read_text() for path in (DOCUMENT.parents[1] / "src").rglob("*.[ch]pp"))
        for event in re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", section("The log"), re.MULTILINE))):
            self.assertIn(f'"{event}"', source)

    def test_every_key_of_the_configuration_is_documented(self):
        ended = self.network.run("node", "--config", self.network.write_config("alice", "odd", unknown="x"))
        known = re.search(r"known are ([\w, ]+)", ended.err)[1].split(", ")
        table = (DOCUMENT.parent / "run-a-network.md").read_text().partition("## Configuration")[2].partition("## Service")[0]
        self.assertEqual(set(known), set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)))

    def test_log_options_that_do_not_exist(self):
        for key, value, words in (("log_level", "loud", "info, warning or error"), ("log_format", "xml", "text or json")):
            ended = self.network.run("node", "--config", self.network.write_config("alice", "odd", **{key: value}))
            self.assertEqual(ended.code, 2)
            self.assertIn(words, ended.err)


if __name__ == "__main__":
    unittest.main(verbosity=1)
