"""One command in a fresh process: wall time, processor time and peak memory.

The command is started from a small process of its own (this file run as a script): Linux counts what the starting process held before
`exec` in the peak memory of the started one, and the comparison itself holds reports of megabytes.
"""
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


class Failed(Exception):
    """The command did not do its work; the text says why in one line."""


@dataclass
class Run:
    """What one run cost, and what it said."""

    wall: float
    cpu: float
    peak: int  # bytes
    out: bytes

    def last(self):
        """The last line of JSON that a peer prints."""
        lines = self.out.decode(errors="replace").strip().splitlines()
        return json.loads(lines[-1]) if lines else {}


def measure(command, folder, allowed=(0,), environment=None):
    """Runs `command` in `folder` and returns its Run. Raises Failed on an exit code that is not in `allowed`."""
    os.sync()  # what earlier runs wrote is not flushed during this one
    out, err = Path(folder, "stdout"), Path(folder, "stderr")
    starter = [sys.executable, "-I", "-S", __file__, str(folder), str(out), str(err), *map(str, command)]
    said = subprocess.run(starter, stdout=subprocess.PIPE, check=True, env={**os.environ, **(environment or {})})
    cost = json.loads(said.stdout)
    if cost["code"] not in allowed:
        lines = err.read_text(errors="replace").strip().splitlines() or out.read_text(errors="replace").strip().splitlines()
        why = lines[-1][:200] if lines else ""
        end = f"signal {-cost['code']}" if cost["code"] < 0 else f"code {cost['code']}"
        raise Failed(f"{end} {why}".strip())
    run = Run(cost["wall"], cost["cpu"], cost["peak"], out.read_bytes())
    return without_start(run, cost["start"])


def without_start(run, start):
    """A peer in Python says when its imports are done: what came before is not counted against it."""
    first = run.out.split(b"\n", 1)[0]
    if first.startswith(b'{"ready"'):
        ready = json.loads(first)
        run.wall -= ready["ready"] - start
        run.cpu -= ready["cpu"]
    return run


def main(folder, out, err, *command):
    # The kernel rather ends a peer that takes all the memory than anything else; children inherit it.
    with open("/proc/self/oom_score_adj", "w") as own:
        own.write("1000")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, 1, out, flags, 0o644), (os.POSIX_SPAWN_OPEN, 2, err, flags, 0o644)]
    os.chdir(folder)
    start = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - start
    cost = {"start": start, "wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}
    print(json.dumps({**cost, "code": os.waitstatus_to_exitcode(status)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
