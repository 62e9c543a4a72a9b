"""The page that a participant serves at /, opened in a browser against a network that runs: page/page_test.mjs judges."""

import json
import subprocess
import sys
from pathlib import Path

from network import Network

PROGRAM, NODE = sys.argv[1], sys.argv[2]
FOLDER = Path(__file__).parent / "page"

network = Network(PROGRAM, ledgers=("items", "trade/items"))
try:
    network.start(*Network.NAMES)
    about = {"program": PROGRAM, "charter": network.charter, "clerk": network.clerk,
             "participants": {name: {"url": network.url(name), "pid": network.processes[name].pid,
                                     "config": network.file(f"{name}.toml"), "log": network.file(f"{name}.log")}
                              for name in Network.NAMES}}
    done = subprocess.run([NODE, str(FOLDER / "page_test.mjs"), json.dumps(about)], timeout=200, check=False)
finally:
    network.close()
sys.exit(done.returncode)
