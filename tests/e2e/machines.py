"""Machines for a test: each a container with systemd, a network namespace and a disk of its own, whose other files are
this machine's. They meet at one bridge. Needs root, and systemd-nspawn."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path


def why_not():
    """Why machines cannot be made here, or None."""
    if os.geteuid() != 0:
        return "making network namespaces and containers needs root"
    for program in ("ip", "nft", "nsenter", "systemd-nspawn"):
        if not shutil.which(program):
            return f"{program} is not installed"
    probe = f"tally-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return f"network namespaces are not permitted here: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", probe], check=True)
    with tempfile.TemporaryDirectory(prefix=probe) as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            return f"mounts are not permitted here: {mounted.stderr.strip()}"
        subprocess.run(["umount", folder], check=True)
    return None


class NoMachines(Exception):
    """They do not start here, for reasons that have nothing to do with what is tested."""


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoMachines(f"{' '.join(command)}: {done.stderr}")


class Machine:
    def __init__(self, network, name, address):
        self.name, self.network, self.address = name, network, address
        self.space = f"{network.prefix}-{name}"
        self.root = network.folder / name / "root"
        self.process = self.shell = self.init = None

    def boot(self):
        base = self.root.parent
        for folder in ("root", "upper", "work"):
            (base / folder).mkdir(parents=True)
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={base}/upper,workdir={base}/work", str(self.root))
        (self.root / "etc/hostname").write_text(self.name + "\n")
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n" + self.network.hosts)
        for services in ("multi-user.target.wants", "timers.target.wants"):
            shutil.rmtree(self.root / "etc/systemd/system" / services, ignore_errors=True)
        binds = [f"--bind-ro={outside}:{inside}" for outside, inside in self.network.shown.items()]
        log = open(base / "console", "wb")
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--boot", "--quiet", "--register=no", "--keep-unit", "--resolv-conf=off", "--timezone=off",
             f"--network-namespace-path=/run/netns/{self.space}", f"--machine={self.space}", f"--directory={self.root}",
             *binds], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        log.close()

    def wait_booted(self, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            if children:
                self.init = int(children[-1])
                self.enter = ["nsenter", "--target", str(self.init), "--all"]
                up = subprocess.run([*self.enter, "systemctl", "is-active", "multi-user.target"], capture_output=True,
                                    text=True, check=False)
                if up.stdout.strip() == "active":
                    return
            time.sleep(0.1)
        raise NoMachines(f"a container does not boot here:\n" + (self.root.parent / "console").read_text(errors="replace")[-3000:])

    def log_in(self, folder):
        """A shell that stays, as a person's would; it ends with the first command that fails."""
        self.shell = subprocess.Popen(
            [*self.enter, "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
             "LANG=C.UTF-8", "bash", "-c", f"cd {folder}; exec bash -euo pipefail"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def type(self, commands, seconds=45):
        end = "-- the commands have ended --"
        self.shell.stdin.write(f"{{\n{commands}\n}} </dev/null\necho '{end}'\n")
        self.shell.stdin.flush()
        said, timer = "", time.monotonic() + seconds
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(self.shell.pid, signal.SIGKILL))
        signal.alarm(seconds)
        for line in self.shell.stdout:
            if line == end + "\n":
                break
            said += line
        else:
            late = " in time" if time.monotonic() > timer else ""
            log = subprocess.run([*self.enter, "journalctl", "-u", "tally", "--no-pager", "-n", "30"], capture_output=True,
                                 text=True, check=False).stdout
            raise AssertionError(f"on {self.name} this did not end well{late}:\n{commands}\nsaid:\n{said}\n{log}")
        signal.alarm(0)
        if os.environ.get("TALLY_VERBOSE"):
            print(f"--- {self.name}\n{commands}--- said\n{said}", flush=True)
        return said

    def halt(self):
        if self.shell:
            if self.shell.poll() is None:
                os.killpg(self.shell.pid, signal.SIGKILL)
            self.shell.wait()
            self.shell.stdin.close()
            self.shell.stdout.close()
        # With its first process all of it ends; what started it would leave it behind.
        if self.init and Path(f"/proc/{self.init}").exists():
            os.kill(self.init, signal.SIGKILL)
            self.process.wait(30)
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Machines:
    def __init__(self, names, shown):
        """`shown`: paths here that every machine sees, read-only, under another path."""
        self.prefix = f"t{os.getpid()}"
        self.folder = Path(tempfile.mkdtemp(prefix="tally-machines-"))
        run("mount", "-t", "tmpfs", "tmpfs", str(self.folder))  # Overlays want an upper file system of their own.
        self.shown = shown
        addresses = {name: f"10.77.0.{at}" for at, name in enumerate(names, 1)}
        self.hosts = "".join(f"{address} {name}.example\n" for name, address in addresses.items())
        self.machines = {name: Machine(self, name, address) for name, address in addresses.items()}
        self.spaces = []

    def boot(self):
        middle = f"{self.prefix}-middle"
        self.add_space(middle)
        run("ip", "-n", middle, "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", middle, "link", "set", "bridge", "up")
        for machine in self.machines.values():
            self.add_space(machine.space)
            run("ip", "-n", middle, "link", "add", machine.name, "type", "veth", "peer", "name", "eth0", "netns", machine.space)
            run("ip", "-n", middle, "link", "set", machine.name, "master", "bridge", "up")
            run("ip", "-n", machine.space, "address", "add", machine.address + "/24", "dev", "eth0")
            run("ip", "-n", machine.space, "link", "set", "eth0", "up")
            run("ip", "-n", machine.space, "link", "set", "lo", "up")
            machine.boot()
        for machine in self.machines.values():
            machine.wait_booted()

    def add_space(self, name):
        run("ip", "netns", "add", name)
        self.spaces.append(name)

    def close(self):
        for machine in self.machines.values():
            machine.halt()
        for machine in self.machines.values():
            subprocess.run(["umount", "--recursive", "--lazy", str(machine.root)], capture_output=True, check=False)
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)
        self.folder.rmdir()
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space], check=False)
