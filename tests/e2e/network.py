"""A network of participants on this machine, made and run with the commands that an operator would type."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

READ_ALL = {"_id": "_rule$read", "id": "read-all", "collection": "*", "predicates": ["*"], "ops": ["read"]}


def schema(did):
    """A ledger with one collection of items that the holder of `did` may write, and nobody else."""
    return [
        {"_id": "_collection$item", "name": "item"},
        {"_id": "_predicate$1", "name": "item/name", "type": "string", "unique": True, "required": True},
        {"_id": "_predicate$2", "name": "item/price", "type": "int", "index": True},
        READ_ALL,
        {"_id": "_rule$write", "id": "write-item", "collection": "item", "predicates": ["*"], "ops": ["read", "write"]},
        {"_id": "_rule$register", "id": "register", "collection": "_auth", "predicates": ["*"], "ops": ["read", "write"]},
        {"_id": "_role$public", "id": "public", "rules": ["_rule$read"]},
        {"_id": "_role$clerk", "id": "clerk", "rules": ["_rule$write"]},
        {"_id": "_role$registrar", "id": "registrar", "rules": ["_rule$register"]},
        {"_id": "_auth$1", "id": did, "roles": ["_role$clerk", "_role$registrar"]},
    ]


def free_ports(count):
    """Below those that the system deals out to connections, so that none is taken meanwhile."""
    ports = set()
    while len(ports) < count:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.add(port)
    return list(ports)


def in_own_mounts():
    """Whether what this test mounts is its own and ends with it. Starts the test again to make it so; False if that is
    not permitted."""
    mark = "TALLY_TEST_OWN_MOUNTS"
    if os.environ.get(mark):
        return True
    own = ["unshare", "--mount", "--propagation", "private"]
    if subprocess.run([*own, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False).returncode != 0:
        return False
    os.environ[mark] = "1"
    os.execvp(own[0], [*own, sys.executable, *sys.argv])


class Ended:
    """A command that has ended: its exit code, and what it said."""

    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout.strip()
        self.err = process.stderr.strip()
        self.said = f"{self.out}\n{self.err}"

    def json(self):
        return json.loads(self.out)


class Network:
    NAMES = ["alice", "bob", "carol", "dave"]

    def __init__(self, program, ledgers=("items",), sign_by=None, genesis=None, hosts=None,
                 parameters=None, founders=None):
        """Writes everything; starts nothing. `sign_by`: the founders who sign, if not all do. `genesis`: makes the
        ledgers' genesis, as JSON text, from this network; `schema` otherwise. `hosts`: of those who are not named by
        127.0.0.1. `parameters`: of the charter, where they are not the default. `founders`: if not all are."""
        self.program = program
        self.folder = Path(tempfile.mkdtemp(prefix="tally-e2e-"))
        self.processes = {}
        ports = free_ports(2 * len(self.NAMES))
        self.peer_ports = dict(zip(self.NAMES, ports))
        self.http_ports = dict(zip(self.NAMES, ports[len(self.NAMES):]))
        self.clerk = self.file("clerk.key")
        did = self.must("keys", "new", self.clerk, "--json").json()["did"]
        self.charter = self.file("network.charter")
        draft = ['name = "Test"']
        for name in self.NAMES:
            keys = self.must("keys", "new", "--participant", self.file(f"{name}.keys"), "--json").json()
            host = (hosts or {}).get(name, "127.0.0.1")
            self.write_config(name)
            if founders is not None and name not in founders:
                continue
            draft += ["[[participant]]", f'name = "{name}"', f'address = "{host}:{self.peer_ports[name]}"']
            draft += [f'{key} = "{keys[key]}"' for key in ("identity", "signing", "opening")]
        Path(self.file("genesis.json")).write_text(genesis(self) if genesis else json.dumps(schema(did)))
        draft += ["[parameters]"] + [f"{name} = {value}" for name, value in (parameters or {}).items()]
        for ledger in ledgers:
            draft += ["[[ledger]]", f'name = "{ledger}"', 'genesis = "genesis.json"']
        Path(self.file("draft.toml")).write_text("\n".join(draft) + "\n")
        self.must("charter", "new", self.file("draft.toml"), "--out", self.charter)
        for name in (founders or self.NAMES) if sign_by is None else sign_by:
            self.must("charter", "sign", self.charter, "--keys", self.file(f"{name}.keys"))

    def file(self, name):
        return str(self.folder / name)

    def url(self, name):
        return f"http://127.0.0.1:{self.http_ports[name]}"

    def write_config(self, name, config=None, **changes):
        """`name`'s configuration, with some values changed; written as `config`.toml."""
        values = {"charter": "network.charter", "keys": f"{name}.keys", "data": f"{name}-data",
                  "http": f"127.0.0.1:{self.http_ports[name]}", **changes}
        path = self.file(f"{config or name}.toml")
        Path(path).write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()))
        return path

    def run(self, *arguments, text="", timeout=60):
        return Ended(subprocess.run([self.program, *arguments], input=text, capture_output=True, text=True,
                                    timeout=timeout, check=False))

    def must(self, *arguments, text=""):
        ended = self.run(*arguments, text=text)
        if ended.code != 0:
            raise AssertionError(f"tally {' '.join(arguments)} ended with {ended.code}: {ended.said}")
        return ended

    def start(self, *names):
        self.start_only(*names)
        for name in names:
            self.wait_ready(name)

    def start_only(self, *names):
        """Without waiting for anything."""
        for name in names:
            with open(self.file(f"{name}.log"), "a", encoding="utf-8") as log:
                self.processes[name] = subprocess.Popen(
                    [self.program, "node", "--config", self.file(f"{name}.toml"), "--with-parent", str(os.getpid())],
                    stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def wait_ready(self, name, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = self.run("status", "--json", "--url", self.url(name))
            if status.code == 0 and sum("slot" in peer for peer in status.json()["peers"]) >= 3:
                return
            time.sleep(0.05)
        raise AssertionError(f"{name} is not ready: {self.log(name)}")

    def log(self, name):
        return Path(self.file(f"{name}.log")).read_text()

    def kill(self, name, how=signal.SIGKILL):
        process = self.processes.pop(name)
        process.send_signal(how)
        process.wait(30)

    def close(self):
        for name in list(self.processes):
            self.kill(name, signal.SIGTERM)
        if not os.environ.get("TALLY_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- transactions ---

    def sign(self, changes, *options, key=None, ledger="items"):
        """The envelope of these changes."""
        return self.must("tx", "sign", json.dumps(changes), "--key", key or self.clerk, "--charter", self.charter,
                         "--ledger", ledger, *options).out

    def submit(self, changes, *options, key=None, ledger="items", to="alice"):
        return self.run("tx", "submit", json.dumps(changes), "--key", key or self.clerk, "--charter", self.charter,
                        "--ledger", ledger, "--url", self.url(to), *options)

    def submit_signed(self, envelope, *options, ledger="items", to="alice"):
        return self.run("tx", "submit", "--signed", "-", "--charter", self.charter, "--ledger", ledger,
                        "--url", self.url(to), *options, text=envelope)
