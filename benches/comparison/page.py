"""The page: each section is rewritten between its two marks, the rest is left as it is."""
import datetime
import os
import re
from pathlib import Path

from .french import NBSP, count, day, number, size, three, typographic


def machine():
    """Cores, memory and processor of this machine."""
    model = re.search(r"(?m)^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    memory = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"))[1]) * 1024
    return f"{model[1].strip() if model else 'processeur inconnu'}, {len(os.sched_getaffinity(0))} cœurs, {size(memory)} de mémoire"


def write(page, section, outcome, ground, command):
    """Puts a section's outcome between its marks in `page`, and its drawings beside it."""
    begin, end = f"<!-- compare {section} -->", f"<!-- /compare {section} -->"
    text = page.read_text(encoding="utf-8")
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{page} n'a pas les repères {begin} et {end}.")
    body = "\n".join(render(outcome, ground, command))
    page.write_text(f"{before}{begin}\n{body}\n{end}{after}", encoding="utf-8")
    for name, drawing in outcome.plots.items():
        (page.parent / name).write_text(drawing, encoding="utf-8")


def render(outcome, ground, command):
    versions = ", ".join(f"{name} {version}" for name, version in ground.peers.versions.items())
    when = f"Mesuré le {day(datetime.date.today())} sur {machine()}."
    lines = [f"- {typographic(when)}", f"- Versions{NBSP}: {versions}.", f"- Commande{NBSP}: `{command}`."]
    lines += [f"- {typographic(note)}" for note in outcome.notes] + [""]
    if outcome.targets:
        lines += ["| Objectif | Mesuré | Limite | Tenu |", "|---|---:|---:|:---:|"]
        lines += [target_row(target) for target in outcome.targets] + [""]
    head = ["Ce qui est lancé", "Fichier", "Mur (s)", "de… à (s)", "CPU (s)", "Mémoire (Mo)", "Mur, Retex = 1"]
    lines += [f"| {' | '.join(head)} |", "|---|---|---:|---:|---:|---:|---:|"]
    for table in outcome.tables:
        lines += [row(result, table.base if table.base.runs else None, table.name) for result in table.results]
    for name in outcome.plots:
        lines += ["", f"![{typographic(outcome.alternatives[name])}]({name})"]
    return lines


def target_row(target):
    value = number(target.value, 4) if not target.unit else figure(target.value, target.unit)
    limit = number(target.limit, 2) if not target.unit else figure(target.limit, target.unit)
    sign = "≥" if target.at_least else "≤"
    met = {True: "oui", False: "**non**", None: "?"}[target.met]
    return f"| {typographic(target.text)} | {value} | {sign}{NBSP}{limit} | {met} |"


def figure(value, unit):
    if value is None:
        return "non mesuré"
    if value == float("inf"):
        return "échec"
    return f"{three(value) if unit == '×' else count(round(value))}{NBSP}{unit}"


def row(result, base, name):
    line = result.line
    label, file = typographic(line.label), name(result) if name else line.file.name
    if not result.runs:
        why = typographic(result.failure).replace("|", "/").replace("`", "'")
        return f"| {label} | {file} | non mesuré{NBSP}: {why} | | | | |"
    low, high = result.spread
    times = f"{three(result.wall / base.wall)}{NBSP}×" if base else ""
    figures = [three(result.wall), f"{three(low)}–{three(high)}", three(result.cpu), count(round(result.peak / 1e6)), times]
    return f"| {label} | {file} | {' | '.join(figures)} |"
