"""Three regions, each in a network namespace of its own, and a network between them that loses packets.

    unshare --net --mount python -m tests.support.network_namespaces DIRECTORY SECONDS

Run in fresh namespaces, whose end is the end of all that is made here. Each region is on a link of its own,
and this process is the router between them. Packets vanish without a word: neither side is told, connections
stand half open, and what was under way is sent again whenever TCP gets round to it. In turn

- a region is cut off from the others, both ways;
- only what it sends is lost;
- its link goes down, for its clients, too;

each for SECONDS while all regions write. Then the network heals, and the regions must come to be the same.
Prints how long that took.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import kvdb
from kvdb.api.tables import CreateReplica, UpdateTable
from tests.support.served_regions import TABLE, Regions, Writers
from tests.support.server_process import ServerProcess
from tests.support.waiting import eventually

NAMES = ("amsterdam", "berlin", "cairo")
PORT = 7400


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def make_network() -> None:
    ip("link", "set", "lo", "up")
    for at, name in enumerate(NAMES, 1):
        ip("netns", "add", name)
        ip("link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("addr", "add", f"10.9.{at}.1/30", "dev", f"to-{name}")
        ip("link", "set", f"to-{name}", "up")
        ip("-n", name, "addr", "add", f"{host(name)}/30", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "route", "add", "default", "via", f"10.9.{at}.1")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")


def host(name: str) -> str:
    return f"10.9.{NAMES.index(name) + 1}.2"


def lose(source: str, target: str, *, is_lost: bool) -> None:
    """Lose every packet from one region to another, or no more."""
    ip("rule", "add" if is_lost else "del", "from", host(source), "to", host(target), "blackhole")


class RegionsApart(Regions):
    """Clients are not cut off, for they call from the router."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        super().__init__(NAMES)
        for name in NAMES:
            peers = [f"--peer={peer}=grpc://{host(peer)}:{PORT}" for peer in NAMES if peer != name]
            server = ServerProcess(
                root / name,
                "--region",
                name,
                "--insecure",
                *peers,
                address=f"{host(name)}:{PORT}",
                within=("ip", "netns", "exec", name),
            )
            stack.callback(server.kill)
            self.clients[name] = stack.enter_context(kvdb.connect(server.target))


def cut(regions: RegionsApart, kind: str, seconds: float) -> float:
    """Cut, write, heal; how many seconds later the regions were the same."""
    others = [name for name in NAMES if name != "cairo"]
    lost = [("cairo", other) for other in others]
    if kind == "both ways":
        lost += [(other, "cairo") for other in others]
    is_down = kind == "link down"
    if is_down:
        ip("link", "set", "to-cairo", "down")
    else:
        for pair in lost:
            lose(*pair, is_lost=True)
    with Writers(regions, *(others if is_down else NAMES)):
        threading.Event().wait(seconds)
    if is_down:
        ip("link", "set", "to-cairo", "up")
    else:
        assert not regions.are_same(), f"nothing was cut: {kind}"
        for pair in lost:
            lose(*pair, is_lost=False)
    healed = time.monotonic()
    eventually(lambda: regions.are_same() and regions.are_active(*NAMES))
    return time.monotonic() - healed


def main(directory: str, seconds: float) -> None:
    make_network()
    with ExitStack() as stack:
        regions = RegionsApart(Path(directory), stack)
        amsterdam = regions.client("amsterdam")
        amsterdam.create_table(TABLE, key=("id", "S"))
        creations = [CreateReplica("berlin"), CreateReplica("cairo")]
        eventually(lambda: amsterdam.call(UpdateTable(TABLE, replica_updates=creations)) is not None)
        eventually(lambda: regions.are_active(*NAMES))
        for kind in ("both ways", "one way", "link down"):
            took = cut(regions, kind, seconds)
            sys.stdout.write(f"{kind}: the same {took:.1f} s after it healed\n")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
