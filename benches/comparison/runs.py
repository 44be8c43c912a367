"""What is run: one line of a table is one command, run in turn with the others, each time in a fresh process and an empty folder."""
import json
import shutil
import statistics
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Optional

from .data import ROW_SCHEMA, TABLE_SCHEMA
from .install import BENCHES, Peers
from .measure import Failed, measure
from .say import say

# The name that every line gives to the table it writes.
PARQUET = "table.parquet"


@dataclass
class Line:
    """One command of a section."""

    key: str
    label: str
    file: Path
    command: list
    needs: str  # the peer's name in Peers.missing
    allowed: tuple = (0,)
    count: Optional[Callable] = None  # (Run, folder) -> {"rows": …, "bad_cells": …}
    link: bool = False  # the command writes beside its input: it is given a link in its own folder


@dataclass
class Result:
    """What its runs cost."""

    line: Line
    runs: list = field(default_factory=list)
    counts: dict = field(default_factory=dict)
    failure: str = ""

    @property
    def wall(self):
        return statistics.median(run.wall for run in self.runs)

    @property
    def cpu(self):
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak(self):
        return max(run.peak for run in self.runs)

    @property
    def spread(self):
        walls = [run.wall for run in self.runs]
        return min(walls), max(walls)


def round_robin(lines, repeat, folder, peers, warm=True):
    """Each line once to warm up (its counts are taken then), then all of them in turn, `repeat` times."""
    results = {line.key: Result(line) for line in lines}
    for result in results.values():
        result.failure = peers.missing.get(result.line.needs, "")
    for turn in range(0 if warm else 1, repeat + 1):
        for result in results.values():
            if result.failure:
                continue
            try:
                run = once(result, folder, peers, counted=not result.counts)
            except Failed as failed:
                result.failure = str(failed)
                say(f"{result.line.label} : échec, {failed}")
                continue
            shown = f"{run.wall:.2f} s, {run.cpu:.2f} s CPU, {run.peak / 1e6:.0f} Mo"
            say(f"{result.line.label}, {result.line.file.name}, {f'tour {turn}' if turn else 'mise en route'} : {shown}")
            if turn:
                result.runs.append(run)
            run.out = b""
    return results


def once(result, folder, peers, counted):
    line, work = result.line, folder / "run"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    if line.link:
        (work / line.file.name).symlink_to(line.file.resolve())
    run = measure(line.command, work, line.allowed)
    if counted:
        result.counts = line.count(run, work) if line.count else {}
        table = work / PARQUET
        if table.exists():
            result.counts["written"] = rows_of(table, peers)
    shutil.rmtree(work)
    return run


def rows_of(table, peers):
    """Rows of a Parquet file, by a reader that is none of ours; None where it could not be installed."""
    if not peers.python.exists():
        return None
    query = "import duckdb, sys; print(duckdb.connect().execute(f\"SELECT count(*) FROM '{sys.argv[1]}'\").fetchone()[0])"
    done = subprocess.run([peers.python, "-c", query, table], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"Parquet illisible : {done.stderr.strip().splitlines()[-1][:120]}")
    return int(done.stdout)


@dataclass
class Commands:
    """How each thing is called."""

    peers: Peers

    def retex(self, key, file, schema=ROW_SCHEMA, label="Retex : contrôle et Parquet"):
        # Every bad cell is in the report, whose size is thus part of the figures.
        options = ["--schema", schema.resolve(), "--format", "json", "--limit", "1000000000", "--parquet", PARQUET]
        command = [self.peers.retex.resolve(), "check", file.resolve(), *options]
        return Line(key, label, file, command, "retex", (0, 1), reported)

    def rust_polars(self, key, file, schema=ROW_SCHEMA):
        label = "polars nu, Rust stable : CSV vers Parquet, sans contrôle"
        return Line(key, label, file, [self.peers.rust.resolve(), "polars", file.resolve(), schema.resolve(), PARQUET], "rust")

    def calamine(self, key, file):
        return Line(key, "calamine : lecture seule", file, [self.peers.rust.resolve(), "calamine", file.resolve()], "rust", count=said)

    def rust_jsonschema(self, key, file):
        label = "crate `jsonschema`, ligne par ligne en Rust, sans Parquet"
        command = [self.peers.rust.resolve(), "jsonschema", file.resolve(), ROW_SCHEMA]
        return Line(key, label, file, command, "rust", count=said)

    def python(self, key, label, script, file, *arguments, count=None):
        command = [self.peers.python.absolute(), "-B", BENCHES / "peers/python" / script, file.resolve(), *arguments]
        return Line(key, label, file, command, "python", count=count)

    def polars(self, key, file):
        return self.python(key, "polars nu, roue Python : CSV vers Parquet, sans contrôle", "by_polars.py", file, ROW_SCHEMA, PARQUET)

    def duckdb(self, key, file, schema=ROW_SCHEMA, bare=False):
        label = f"DuckDB : {'CSV vers Parquet, sans contrôle' if bare else 'mêmes contraintes en SQL, et Parquet'}"
        arguments = [schema.resolve(), PARQUET, "bare" if bare else "constraints"]
        return self.python(key, label, "by_duckdb.py", file, *arguments, count=None if bare else said)

    def jsonschema(self, key, file):
        return self.python(key, "`jsonschema-rs`, ligne par ligne en Python, sans Parquet", "by_jsonschema.py", file, ROW_SCHEMA, count=said)

    def frictionless(self, key, file):
        return self.python(key, "frictionless-py, sans Parquet", "by_frictionless.py", file, TABLE_SCHEMA, count=said)

    def qsv(self, key, file):
        command = [self.peers.qsv.resolve(), "validate", file.name, ROW_SCHEMA]
        return Line(key, "`qsv validate`, sans Parquet", file, command, "qsv", (0, 1), qsv_errors, link=True)


def said(run, _folder):
    return run.last()


def reported(run, _folder):
    """What Retex's report says: all its faults must be listed, each of a cell."""
    report = json.loads(run.out)
    if report.get("source_error"):
        raise Failed(report["source_error"]["message"])
    faults = report["errors"]
    if len(faults) != report["stats"]["errors"]:
        raise Failed(f"{len(faults)} erreurs listées pour {report['stats']['errors']} comptées")
    cells = {(fault["row"], fault["column"]) for fault in faults}
    return {"rows": report["stats"]["rows"], "bad_cells": len(cells), "bad_rows": report["stats"]["rows_invalid"]}


def qsv_errors(_run, folder):
    """qsv writes one line per fault, with the row and the column."""
    found = list(folder.glob("*.validation-errors.tsv"))
    if not found:
        return {"bad_cells": 0}
    fields = defaultdict(set)
    for line in found[0].read_text(encoding="utf-8").split("\n")[1:]:
        row, *rest = line.split("\t", 2)
        if row.isdigit() and rest:  # what follows a line break inside a message is none
            fields[row].add(rest[0])
    # A fault may be told of the row as a whole beside the cell that it comes from.
    return {"bad_cells": sum(len(named - {""}) or 1 for named in fields.values()), "bad_rows": len(fields)}
