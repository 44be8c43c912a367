"""The sections of the comparison: what each runs, what must agree, and the targets it is held against."""
from dataclasses import dataclass, field

from .data import ROW_SCHEMA, read_once
from .french import count, number, size, three
from .measure import Failed
from .plot import Curve, bars, curves
from .runs import Commands, round_robin


class Disagree(Exception):
    """Two of them did not do the same work: nothing of it may be compared."""


@dataclass
class Target:
    """What the measure should be at most, or at least; no value where one of the two was not measured."""

    text: str
    value: object
    limit: float
    at_least: bool = False
    unit: str = "×"

    @property
    def met(self):
        if self.value is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass
class Table:
    """Results shown side by side, each against `base`."""

    results: list
    base: object
    name: object = None  # of a result's file, for the reader


@dataclass
class Outcome:
    """What a section found."""

    tables: list
    targets: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    plots: dict = field(default_factory=dict)  # file name -> SVG
    alternatives: dict = field(default_factory=dict)  # file name -> what it shows, in words


@dataclass
class Ground:
    """What every section is given."""

    peers: object
    data: object
    folder: object
    repeat: int
    memory_repeat: int
    sizes: list
    keep: bool
    skip: set

    def run(self, lines, repeat=None, warm=True):
        kept = [line for line in lines if line.needs not in self.skip and line.key.split("-")[0] not in self.skip]
        for file in {line.file for line in kept} if warm else ():
            read_once(file)
        return round_robin(kept, repeat or self.repeat, self.folder, self.peers, warm)


def ratio(targets, results, text, key, base, limit, what="wall", at_least=False):
    """Adds the target that one result is held to against another."""
    pair = [results.get(k) for k in (key, base)]
    measured = all(result and result.runs for result in pair)
    value = getattr(pair[0], what) / getattr(pair[1], what) if measured else None
    targets.append(Target(text, value, limit, at_least))


def agree(results, keys, expected, what):
    """All of `keys` that ran counted `expected`; None is what could not be counted again for want of a reader."""
    counted = {key: results[key].counts.get(what, "rien") for key in keys if key in results and not results[key].failure}
    wrong = {key: value for key, value in counted.items() if value not in (expected, None)}
    if wrong:
        told = ", ".join(f"{key} {value}" for key, value in wrong.items())
        raise Disagree(f"{what} : {expected} attendus, mais {told}")
    return list(counted)


def must_run(results):
    """Without Retex there is nothing to compare; a peer that fails has its reason in the table."""
    for result in results.values():
        if result.line.needs == "retex" and not result.runs:
            raise Failed(f"{result.line.key}, {result.failure}")


def csv(ground):
    """The three variants of one million rows, beside the peers."""
    call, data = Commands(ground.peers), ground.data
    clean, bad, french = data.clean(), data.bad(), data.french()
    lines = [
        call.retex("retex-clean", clean),
        call.rust_polars("polars-rust-clean", clean),
        call.polars("polars-wheel-clean", clean),
        call.duckdb("duckdb-bare-clean", clean, bare=True),
        call.duckdb("duckdb-clean", clean),
        call.jsonschema("jsonschema-python-clean", clean),
        call.rust_jsonschema("jsonschema-rust-clean", clean),
        call.qsv("qsv-clean", clean),
        call.frictionless("frictionless-clean", clean),
        call.retex("retex-french", french),
        call.retex("retex-bad", bad),
        call.duckdb("duckdb-bad", bad),
        call.jsonschema("jsonschema-python-bad", bad),
        call.rust_jsonschema("jsonschema-rust-bad", bad),
        call.qsv("qsv-bad", bad),
        call.frictionless("frictionless-bad", bad),
    ]
    results = ground.run(lines)
    must_run(results)
    checkers = {kind: [line.key for line in lines if line.count and line.key.endswith(kind)] for kind in ("clean", "french", "bad")}
    agree(results, checkers["clean"] + checkers["french"], 0, "bad_cells")
    agree(results, [line.key for line in lines if "qsv" not in line.key and line.count], data.rows, "rows")
    expected = results["retex-bad"].counts.get("bad_cells")
    alike = agree(results, checkers["bad"], expected, "bad_cells")
    for key, rows in (("retex-clean", data.rows), ("retex-french", data.rows), ("retex-bad", data.rows - expected)):
        agree(results, [key], rows, "written")
    agree(results, ["polars-rust-clean", "polars-wheel-clean", "duckdb-bare-clean", "duckdb-clean", "duckdb-bad"], data.rows, "written")

    targets = []
    held = lambda *a, **k: ratio(targets, results, *a, **k)
    held("CSV propre : pas plus lent que polars nu (Rust stable)", "retex-clean", "polars-rust-clean", 1.0)
    held("CSV propre : pas plus de CPU que polars nu (Rust stable)", "retex-clean", "polars-rust-clean", 1.0, "cpu")
    held("CSV propre : au plus 0,7 fois DuckDB avec les mêmes contraintes", "retex-clean", "duckdb-clean", 0.7)
    held("CSV propre : au plus 0,7 fois le CPU de DuckDB avec les mêmes contraintes", "retex-clean", "duckdb-clean", 0.7, "cpu")
    held("variante « Excel français » : au plus 1,4 fois le CSV propre", "retex-french", "retex-clean", 1.4)
    held("variante fautive : au plus 1,15 fois le CSV propre", "retex-bad", "retex-clean", 1.15)
    held("variante fautive : au plus la moitié du CPU de `qsv validate`", "retex-bad", "qsv-bad", 0.5, "cpu")
    for kind, name in (("clean", "CSV propre"), ("bad", "variante fautive")):
        held(f"{name} : au moins 45 fois plus rapide que frictionless-py", f"frictionless-{kind}", f"retex-{kind}", 45, at_least=True)
        text = f"{name} : au moins 6 fois plus rapide que `jsonschema-rs` ligne par ligne"
        held(text, f"jsonschema-python-{kind}", f"retex-{kind}", 6, at_least=True)
    names = {"clean": "propre", "french": "Excel français", "bad": "fautif"}
    name = lambda result: names[result.line.key.rsplit("-", 1)[1]]
    groups = [[r for key, r in results.items() if key.endswith(kind)] for kind in ("clean", "french", "bad")]
    found = ", ".join(results[key].line.label.split(":")[0].split(",")[0].strip() for key in alike)
    agreed = f"Cases fautives du fichier fautif : {count(expected)}, les mêmes pour tous ceux qui les comptent ({found}) ; aucune dans "
    agreed += "les deux autres fichiers. Retex les liste toutes dans son rapport."
    sizes = ", ".join(f"{names[kind]} {size(path.stat().st_size)}" for kind, path in (("clean", clean), ("french", french), ("bad", bad)))
    title = f"Temps mur, CSV propre de {count(data.rows)} lignes"
    shown = [(r.line.label, r.wall) for r in groups[0] if r.runs]
    return Outcome(
        tables=[
            Table(groups[0] + groups[1], results["retex-clean"], name),
            Table(groups[2], results["retex-bad"], name),
        ],
        targets=targets,
        notes=[f"{count(data.rows)} lignes de 12 colonnes ; {sizes}.", agreed],
        plots={"csv.svg": bars(title, shown)},
        alternatives={"csv.svg": title},
    )


def keys_are_checked(ground):
    """The runs with a unique key mean something only if a repeated key is found."""
    file, _, schema = ground.data.numbered_twice()
    line = Commands(ground.peers).retex("retex-keys", file, schema)
    result = round_robin([line], 1, ground.folder, ground.peers, warm=False)[line.key]
    if not result.counts.get("bad_rows"):
        raise Disagree(f"une clé répétée n'est pas trouvée {result.failure}".strip())


def memory(ground):
    """Peak memory as the file grows, without and with a unique key."""
    call, tables, targets = Commands(ground.peers), [], []
    keys_are_checked(ground)
    for times in ground.sizes:
        file, row, table = ground.data.numbered(times)
        lines = [
            call.retex("retex-rows", file, row),
            call.retex("retex-keys", file, table, "Retex : contrôle avec clé unique, et Parquet"),
            call.rust_polars("polars-rust", file, row),
            call.duckdb("duckdb", file, row),
        ]
        results = ground.run(lines, ground.memory_repeat, warm=False)
        agree(results, ["retex-rows", "retex-keys", "duckdb"], 0, "bad_cells")
        agree(results, list(results), times * ground.data.rows, "written")
        weight = size(file.stat().st_size)
        for key, what in (("retex-rows", "lignes seules"), ("retex-keys", "avec clé unique")):
            peak = results[key].peak / 1e6 if results[key].runs else float("inf")
            targets.append(Target(f"{weight}, {what} : au plus 400 Mo", peak, 400, unit="Mo"))
        tables.append(Table(list(results.values()), results["retex-rows"], lambda _, weight=weight: weight))
        if times > 10 and not ground.keep:
            ground.data.drop(file)
    note = "Le corps du fichier est répété sous un seul en-tête, chaque ligne avec un numéro, clé unique du modèle dans la seconde série."
    return Outcome(tables, targets, [note, "Pages de fichiers projetées en mémoire comprises, comme le noyau les compte (`ru_maxrss`)."])


def xlsx(ground):
    """A workbook, beside calamine's own reading of it."""
    rows = ground.data.rows // 5
    file = ground.data.workbook(rows, ground.peers.python)
    call = Commands(ground.peers)
    results = ground.run([call.retex("retex", file), call.calamine("calamine", file)])
    must_run(results)
    agree(results, ["retex"], 0, "bad_cells")
    agree(results, ["retex"], rows, "rows")
    agree(results, ["retex"], rows, "written")
    targets = []
    ratio(targets, results, "au plus 1,3 fois la lecture de calamine", "retex", "calamine", 1.3)
    notes = [f"{count(rows)} lignes de 12 colonnes, {size(file.stat().st_size)}, textes partagés comme Excel les écrit."]
    notes.append("Mémoire : celle du plus gros des deux processus de Retex (le classeur est lu à part, dans des limites).")
    return Outcome([Table(list(results.values()), results["retex"], lambda _: "XLSX")], targets, notes)


def linear(ground):
    """Time as rows and columns grow."""
    call, base = Commands(ground.peers), ground.data.rows
    rows = [base // 8, base // 4, base // 2, base, base * 2, base * 4]
    columns = [3, 6, 12, 24, 48, 96]
    lines, places = [], {}
    for n in rows:
        line = call.retex(f"rows-{n}", ground.data.clean(n), ROW_SCHEMA)
        lines.append(line)
        places[line.key] = ("rows", n)
    for n in columns:
        line = call.retex(f"columns-{n}", *ground.data.wide(n, base // 8))
        lines.append(line)
        places[line.key] = ("columns", n)
    results = ground.run(lines)
    must_run(results)
    agree(results, list(results), 0, "bad_cells")
    drawn, targets, tables = [], [], []
    for axis, title in (("rows", "Lignes (12 colonnes)"), ("columns", f"Colonnes ({count(base // 8)} lignes)")):
        series = [(places[key][1], result) for key, result in results.items() if places[key][0] == axis]
        points = [(n, result.wall) for n, result in series if result.runs]
        if len(points) < 3:
            raise Failed(f"trop peu de mesures pour la courbe « {title} »")
        curve = Curve(title, points)
        drawn.append(curve)
        what = "lignes" if axis == "rows" else "colonnes"
        text = f"temps linéaire en {what} : R² de la droite au moins 0,99"
        targets.append(Target(text, curve.fit[2], 0.99, at_least=True, unit=""))
        middle = f"rows-{base}" if axis == "rows" else "columns-12"
        unit = lambda result, what=what: f"{count(places[result.line.key][1])} {what}"
        tables.append(Table([result for _, result in series], results[middle], unit))
    notes = [f"Droites des moindres carrés : {' ; '.join(line_of(c) for c in drawn)}."]
    words = "Temps mur de Retex selon le nombre de lignes et de colonnes"
    return Outcome(tables, targets, notes, {"courbes.svg": curves(words, drawn)}, {"courbes.svg": words})


def line_of(curve):
    slope, start, fit = curve.fit
    each = f"{three(slope * 1e6)} µs" if slope < 1e-3 else f"{three(slope * 1e3)} ms"
    return f"{curve.title.lower()}, {number(start, 3)} s + {each} chacune (R² {number(fit, 4)})"


SECTIONS = {"csv": csv, "memory": memory, "xlsx": xlsx, "linear": linear}
