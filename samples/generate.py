#!/usr/bin/env python3
"""Écrit les dépôts d'exemple : mêmes graines, mêmes fichiers. Bibliothèque standard de Python seulement.

    samples/generate.py            écrit les dépôts et les retours d'expérience de chaque exemple
    samples/generate.py --check    vérifie que les fichiers présents sont ceux que ce programme écrit

Les chiffres sont inventés ; ils suivent les modèles décrits plus bas, avec des écarts entre structures.
"""

import datetime as dt
import io
import json
import math
import random
import sys
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

sys.dont_write_bytecode = True
from rex import REX  # noqa: E402

HERE = Path(__file__).resolve().parent
STAMP = (2026, 1, 1, 0, 0, 0)  # the date of every member of a workbook, so that bytes do not change


# --- chance: only random(), whose sequence Python keeps from one version to the next ---------------------------------------

class Chance:
    def __init__(self, seed):
        self.random = random.Random(seed).random

    def yes(self, p):
        return self.random() < p

    def among(self, items):
        return items[int(self.random() * len(items))]

    def weighted(self, pairs):
        u = self.random() * sum(w for _, w in pairs)
        for item, w in pairs:
            u -= w
            if u < 0:
                return item
        return pairs[-1][0]

    def between(self, a, b):
        return a + (b - a) * self.random()

    def normal(self, mean, sd):
        return mean + sd * math.sqrt(-2 * math.log(1 - self.random())) * math.cos(2 * math.pi * self.random())

    def gamma(self, mean, shape):
        """Sum of `shape` exponentials, scaled to the mean."""
        return mean / shape * -sum(math.log(1 - self.random()) for _ in range(shape))

    def shuffled(self, items):
        return [item for _, item in sorted(((self.random(), i), item) for i, item in enumerate(items))]


# --- files as town halls write them ----------------------------------------------------------------------------------------

def text(value, decimal, dates, yes, no):
    if value is None:
        return ""
    if isinstance(value, bool):
        return yes if value else no
    if isinstance(value, dt.date):
        return value.strftime(dates)
    if isinstance(value, float):
        return repr(value).replace(".", decimal)
    return str(value)


def csv(header, rows, sep, encoding, eol, decimal, dates, yes="Oui", no="Non"):
    def field(s):
        return '"' + s.replace('"', '""') + '"' if any(c in s for c in (sep, '"', "\n")) else s
    lines = [sep.join(field(text(v, decimal, dates, yes, no)) for v in row) for row in [header, *rows]]
    return (eol.join(lines) + eol).encode(encoding)


def zipped(members, stored=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, content in members:
            info = zipfile.ZipInfo(name, STAMP)
            info.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            z.writestr(info, content)
    return out.getvalue()


def letter(i):
    return chr(65 + i)


def xlsx(header, rows, sheet, preamble=(), booleans=False):
    """A workbook as Excel saves it: shared strings, days as serial numbers with a date style."""
    strings, index = [], {}

    def shared(s):
        if s not in index:
            index[s] = len(strings)
            strings.append(s)
        return index[s]

    def cell(ref, v):
        if v is None:
            return ""
        if isinstance(v, bool):
            return f'<c r="{ref}" t="b"><v>{int(v)}</v></c>' if booleans else f'<c r="{ref}" t="s"><v>{shared("Oui" if v else "Non")}</v></c>'
        if isinstance(v, dt.date):
            return f'<c r="{ref}" s="1"><v>{(v - dt.date(1899, 12, 30)).days}</v></c>'
        if isinstance(v, (int, float)):
            return f'<c r="{ref}"><v>{v!r}</v></c>'
        return f'<c r="{ref}" t="s"><v>{shared(v)}</v></c>'

    lines = [*[[p] if p else [] for p in preamble], header, *rows]
    body = "".join(
        f'<row r="{r}">' + "".join(cell(f"{letter(c)}{r}", v) for c, v in enumerate(row)) + "</row>"
        for r, row in enumerate(lines, 1) if any(v is not None for v in row))
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    pkg = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    ref = f"A1:{letter(len(header) - 1)}{len(lines)}"
    return zipped([
        ("[Content_Types].xml", head + f'<Types xmlns="{pkg}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="{kind}.sharedStrings+xml"/></Types>'),
        ("_rels/.rels", head + f'<Relationships xmlns="{pkg}/relationships"><Relationship Id="rId1" Type="{rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>'),
        ("xl/workbook.xml", head + f'<workbook xmlns="{main}" xmlns:r="{rel}"><sheets><sheet name="{escape(sheet)}" sheetId="1" r:id="rId1"/></sheets></workbook>'),
        ("xl/_rels/workbook.xml.rels", head + f'<Relationships xmlns="{pkg}/relationships"><Relationship Id="rId1" Type="{rel}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{rel}/styles" Target="styles.xml"/><Relationship Id="rId3" Type="{rel}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'),
        ("xl/worksheets/sheet1.xml", head + f'<worksheet xmlns="{main}"><dimension ref="{ref}"/><sheetData>{body}</sheetData></worksheet>'),
        ("xl/styles.xml", head + f'<styleSheet xmlns="{main}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs></styleSheet>'),
        ("xl/sharedStrings.xml", head + f'<sst xmlns="{main}" uniqueCount="{len(strings)}">' + "".join(f"<si><t>{escape(s)}</t></si>" for s in strings) + "</sst>"),
    ])


def ods(header, rows, sheet):
    """A document as LibreOffice saves it: typed cells, empty cells as such."""
    def cell(v):
        if v is None:
            return "<table:table-cell/>"
        if isinstance(v, bool):
            v = "Oui" if v else "Non"
        if isinstance(v, dt.date):
            return f'<table:table-cell office:value-type="date" office:date-value="{v.isoformat()}"><text:p>{v.strftime("%d/%m/%Y")}</text:p></table:table-cell>'
        if isinstance(v, (int, float)):
            return f'<table:table-cell office:value-type="float" office:value="{v!r}"><text:p>{repr(v).replace(".", ",")}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="string"><text:p>{escape(v)}</text:p></table:table-cell>'

    body = "".join("<table:table-row>" + "".join(cell(v) for v in row) + "</table:table-row>" for row in [header, *rows])
    ns = "urn:oasis:names:tc:opendocument:xmlns"
    mime = "application/vnd.oasis.opendocument.spreadsheet"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return zipped([
        ("mimetype", mime),
        ("META-INF/manifest.xml", head + f'<manifest:manifest xmlns:manifest="{ns}:manifest:1.0" manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:media-type="{mime}"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'),
        ("content.xml", head + f'<office:document-content xmlns:office="{ns}:office:1.0" xmlns:table="{ns}:table:1.0" xmlns:text="{ns}:text:1.0" office:version="1.2"><office:body><office:spreadsheet><table:table table:name="{escape(sheet)}">{body}</table:table></office:spreadsheet></office:body></office:document-content>'),
    ], stored=("mimetype",))


# A way of writing → (extension, function of a header, rows and a title)
STYLES = {
    "excel": ("csv", lambda h, r, t: csv(h, r, ";", "cp1252", "\r\n", ",", "%d/%m/%Y")),
    "bom": ("csv", lambda h, r, t: csv(h, r, ";", "utf-8-sig", "\r\n", ",", "%d/%m/%Y")),
    "metier": ("csv", lambda h, r, t: csv(h, r, ",", "utf-8", "\n", ".", "%Y-%m-%d", "true", "false")),
    "xlsx": ("xlsx", lambda h, r, t: xlsx(h, r, "Feuil1")),
    "xlsx-vrai-faux": ("xlsx", lambda h, r, t: xlsx(h, r, "Données", booleans=True)),
    "xlsx-titre": ("xlsx", lambda h, r, t: xlsx(h, r, "Export", preamble=(t, None))),
    "ods": ("ods", lambda h, r, t: ods(h, r, "Feuille1")),
}


class Sample:
    """The files of one sample; a name holds the month, a town hall spells it as it likes."""

    def __init__(self, name):
        self.name, self.files = name, {}

    def put(self, folder, dataset, stem, style, header, rows, title=""):
        extension, write = STYLES[style]
        self.files[f"{self.name}/deposits/{folder}/{dataset}/{stem}.{extension}"] = write(header, rows, title)

    def rex(self, folder, siren, answers):
        body = json.dumps({"site": siren, "answers": answers}, ensure_ascii=False, indent=2) + "\n"
        self.files[f"{self.name}/rex/{folder}.json"] = body.encode()


def days(first, last):
    return [first + dt.timedelta(n) for n in range((last - first).days + 1)]


def month(year, number):
    first = dt.date(year, number, 1)
    return first, dt.date(year + number // 12, number % 12 + 1, 1) - dt.timedelta(1)


# --- (a) the assistant that sorts requests ---------------------------------------------------------------------------------
# Agents are drawn by lot into two groups. The delay of a request is a gamma law around agent and site means; with the
# assistant it is shorter by about 2.6 days (0.5 between sites). Satisfaction hardly moves. Per request, 0.012 kWh or so.

TRI = [  # folder, code of the users' communes, requests a month, mean delay, effect, effect on satisfaction, style, file name
    ("93048", ["93048"], 430, 9.6, -3.1, 0.02, "excel", "demandes_{m}"),
    ("93008", ["93008"], 320, 10.8, -2.4, -0.01, "bom", "demandes-{m}"),
    ("92007", ["92007"], 260, 8.2, -2.0, 0.03, "xlsx", "Demandes {m}"),
    ("92002", ["92002"], 300, 7.9, -2.5, 0.00, "excel", "export_demandes_{m}"),
    ("94028", ["94028"], 380, 9.9, -3.4, 0.01, "xlsx-titre", "demandes-{m}"),
    ("92050", ["92050"], 410, 10.2, -2.9, -0.02, "excel", "GRC_{m}"),
    ("94081", ["94081"], 360, 11.4, -1.8, 0.02, "ods", "demandes_{m}"),
    ("200057941", ["94080", "94041", "94068", "94033", "94052"], 470, 8.8, -2.7, 0.00, "metier", "demandes-{m}"),
]
CATEGORIES = [("État civil", 22), ("Voirie", 18), ("Propreté", 14), ("Écoles et périscolaire", 13), ("Stationnement", 10),
              ("Logement", 9), ("Action sociale – CCAS", 8), ("Espaces verts", 4), ("Œuvres scolaires", 2)]
DEMANDES = ["id_demande", "code_insee", "date_depot", "date_cloture", "bras", "agent", "categorie", "reorientee", "satisfaction"]


def tri(sample):
    for number, (folder, communes, volume, mean, effect, glad, style, stem) in enumerate(TRI):
        chance = Chance(f"retex/tri-demandes/{folder}")
        agents = [f"A{100 * (number + 1) + i:04d}" for i in range(22 + 2 * (number % 3))]
        drawn = chance.shuffled(agents)
        arm = {a: ("assistant" if i < len(agents) // 2 else "temoin") for i, a in enumerate(drawn)}
        pace = {a: chance.normal(0, 0.6) for a in agents}
        warmth = {a: chance.normal(0, 0.03) for a in agents}
        identifier = 10_000 * (number + 1) + 317
        for year, m in ((2026, 9), (2026, 10)):
            first, last = month(year, m)
            sent = last + dt.timedelta(20)
            working = [d for d in days(first, last) if d.weekday() < 5 or chance.yes(0.25)]
            arrivals = sorted(chance.among(working) for _ in range(int(volume * chance.between(0.92, 1.08))))
            rows = []
            for day in arrivals:
                identifier += 1 + int(chance.random() * 3)
                agent = chance.among(agents)
                helped = arm[agent] == "assistant"
                delay = round(chance.gamma(max(2.5, mean + (effect if helped else 0) + pace[agent]), 4))
                closed = day + dt.timedelta(delay) if chance.yes(0.97) else None
                if closed and closed > sent:
                    closed = None
                note = None
                if closed and chance.yes(0.87):
                    good = 0.62 + (glad if helped else 0) + warmth[agent] - 0.004 * delay
                    note = chance.weighted([(4, 3), (5, 2)]) if chance.yes(good) else chance.weighted([(3, 5), (2, 2), (1, 1)])
                rows.append([f"D{identifier:06d}", chance.among(communes), day, closed, arm[agent], agent,
                             chance.weighted(CATEGORIES), chance.yes(0.11 if helped else 0.17), note])
            name, header, how = stem.format(m=f"{year}-{m:02d}"), list(DEMANDES), style
            if (folder, m) == ("93008", 10):  # mistake 1: a misspelt header
                header[3] = "date_clotur"
            if (folder, m) == ("92007", 10):  # mistake 2: two notes out of 5 typed as 7 and 10
                rows[57][8], rows[140][8] = 7, 10
            if (folder, m) == ("92050", 9):  # mistake 3: a column outside the perimeter
                header.insert(1, "nom_usager")
                names = ["DUPONT-TEST", "MARTIN-TEST", "DURAND-TEST", "PETIT-TEST"]
                sample.put(folder, "demandes", name, how, header, [[r[0], names[i % 4], *r[1:]] for i, r in enumerate(rows)])
                name += "_corrigé"
                header = list(DEMANDES)
            if (folder, m) == ("94081", 10):  # not sent yet: late
                continue
            sample.put(folder, "demandes", name, how, header, rows, f"Demandes reçues – {m:02d}/{year} – Direction de la relation citoyenne")
        for m in (9, 10):
            energie(sample, chance, folder, m, volume)


EMISSIONS = ["timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions", "emissions_rate", "cpu_power", "gpu_power",
             "ram_power", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed", "water_consumed", "country_name",
             "country_iso_code", "region", "os", "python_version", "codecarbon_version", "cpu_count", "cpu_model", "gpu_count",
             "gpu_model", "ram_total_size", "tracking_mode", "on_cloud", "pue", "wue"]


def energie(sample, chance, folder, m, volume):
    """As CodeCarbon writes it: one run a working day, three cumulative rows a run."""
    rows = []
    for day in days(*month(2026, m)):
        if day.weekday() > 4:
            continue
        run = "-".join("".join(chance.among("0123456789abcdef") for _ in range(n)) for n in (8, 4, 4, 4, 12))
        hours, power = chance.between(7.2, 8.6), volume * chance.between(0.0105, 0.0145)
        for part in (0.35, 0.7, 1.0):
            seconds = 3600 * hours * part
            cpu, gpu, ram = (round(power * w * seconds / 3600 / 60, 9) for w in (0.32, 0.56, 0.12))
            total = round(cpu + gpu + ram, 9)
            at = dt.datetime(day.year, day.month, day.day, 8, 30) + dt.timedelta(seconds=int(seconds))
            rows.append([at.isoformat(), "assistant-tri", run, "5b0fa12a-3dd7-45bb-9766-cc326314d9f1", round(seconds, 3), round(total * 0.0213, 9),
                         round(total * 0.0213 / seconds, 12), 42.5, 61.0, 10.0, cpu, gpu, ram, total, round(total * 1.8, 6), "France",
                         "FRA", "île-de-france", "Linux-6.1.0-x86_64", "3.13.5", "3.3.0", 16, "AMD EPYC 7302", 1, "NVIDIA L4", 64.0,
                         "machine", "N", 1.25, 0.0])
    sample.files[f"{sample.name}/deposits/{folder}/energie/emissions-2026-{m:02d}.csv"] = csv(EMISSIONS, rows, ",", "utf-8", "\n", ".", "%Y-%m-%d")


# --- (b) the detection of illegal dumping ----------------------------------------------------------------------------------
# The same sites before (June, July: the camera runs, nobody sees its alerts) and during (August, September). Four in five
# alerts are right before, more after the camera has learnt the local streets. Removal is about a day sooner, not everywhere.

DEPOTS = [  # folder, points a month, precision before, during, mean delay before, effect, style, file name
    ("93066", 300, 0.79, 0.90, 4.6, -1.6, "excel", "signalements_{m}"),
    ("93001", 260, 0.77, 0.88, 5.1, -1.3, "excel", "depots-sauvages-{m}"),
    ("95018", 280, 0.80, 0.87, 4.0, -0.7, "xlsx", "Signalements {m}"),
    ("93055", 220, 0.81, 0.90, 3.8, -1.1, "bom", "signalements-{m}"),
    ("93071", 200, 0.76, 0.84, 4.9, -1.9, "excel", "signalements_{m}"),
    ("92036", 190, 0.82, 0.89, 3.5, -0.5, "excel", "proprete_{m}"),
    ("92024", 180, 0.80, 0.86, 3.2, 0.3, "ods", "signalements-{m}"),
    ("94041", 210, 0.78, 0.89, 4.2, -1.2, "metier", "signalements-{m}"),
    ("94017", 240, 0.79, 0.85, 4.4, -0.9, "excel", "signalements_{m}"),
    ("94078", 170, 0.75, 0.83, 5.4, -2.1, "xlsx-vrai-faux", "Points examinés {m}"),
    ("91027", 160, 0.81, 0.91, 3.9, -0.8, "bom", "signalements_{m}"),
    ("93051", 230, 0.78, 0.86, 4.1, -1.0, "excel", "signalements_{m}"),
]
NATURES = [("Encombrants", 38), ("Ordures ménagères", 24), ("Gravats", 17), ("Déchets verts", 9), ("Pneus et épaves", 5), ("Électroménager", 7)]
SIGNALEMENTS = ["id_signalement", "date_signalement", "canal", "alerte", "confiance", "depot_confirme", "categorie", "volume_m3", "date_enlevement"]


def depots(sample):
    for folder, volume, before, during, mean, effect, style, stem in DEPOTS:
        chance = Chance(f"retex/depots-sauvages/{folder}")
        identifier = 1000 + int(chance.random() * 400)
        for m in (6, 7, 8, 9):
            trial = m >= 8
            rows = []
            dates = days(*month(2026, m))
            for day in sorted(chance.among(dates) for _ in range(int(volume * chance.between(0.94, 1.06)))):
                identifier += 1 + int(chance.random() * 2)
                alert = chance.yes(0.74)
                real = chance.yes((during if trial else before) if alert else 0.13)
                sure = min(0.99, max(0.02, chance.normal(0.83 if real else 0.7, 0.1) if alert else chance.normal(0.25, 0.1)))
                delay = round(chance.gamma(max(1.2, mean + (effect if trial else 0)), 2))
                volume_m3 = round(max(0.1, chance.gamma(1.9 if trial else 2.0, 2)), 1)
                removed = real and chance.yes(0.975)
                rows.append([f"S{identifier:05d}", day, chance.weighted([("caméra", 7), ("agent", 2), ("usager", 1)]), alert, round(sure, 2), real,
                             chance.weighted(NATURES) if real else None, volume_m3 if real else None,
                             day + dt.timedelta(delay) if removed else None])
            name = stem.format(m=f"2026-{m:02d}")
            if (folder, m) == ("94017", 9):  # mistake 4: a block of rows pasted twice
                sample.put(folder, "signalements", name + "_v1", style, SIGNALEMENTS, rows[:120] + rows[114:])
                name += "_v2"
            sample.put(folder, "signalements", name, style, SIGNALEMENTS, rows)


# --- (c) the control of heating --------------------------------------------------------------------------------------------
# Each building alternates a controlled and a usual week; which comes first is drawn by lot. Consumption follows the cold
# outside; a controlled week saves about 11 % (3 points between sites), and it is 0.3 °C cooler inside.

CHAUFFAGE = [  # folder, buildings, saving, cooling, style, file name
    ("93048", 14, 0.13, 0.25, "excel", "releves_{m}"),
    ("92063", 12, 0.10, 0.35, "xlsx", "Relevés {m}"),
    ("94033", 12, 0.145, 0.45, "bom", "releves-{m}"),
    ("91326", 9, 0.07, 0.20, "excel", "chauffage_{m}"),
    ("200057966", 11, 0.11, 0.30, "ods", "releves_{m}"),
    ("200057974", 16, 0.12, 0.40, "metier", "releves-{m}"),
]
USAGES = [("École maternelle", 700, 1400), ("École élémentaire", 1500, 3200), ("Gymnase", 900, 2100), ("Crèche", 300, 800),
          ("Bibliothèque", 400, 1800), ("Mairie annexe", 500, 1600), ("Conservatoire", 800, 2400), ("Centre de santé", 350, 1100)]
RELEVES = ["batiment", "usage", "jour", "semaine", "surface_m2", "energie_kwh", "temperature_interieure", "temperature_exterieure", "occupe", "plaintes"]


def chauffage(sample):
    start, end = dt.date(2026, 1, 5), dt.date(2026, 3, 29)
    weather, cold = Chance("retex/chauffage/meteo"), 0.0
    outside = {}
    for n, day in enumerate(days(start, end)):
        cold = 0.8 * cold + weather.normal(0, 1.6)
        outside[day] = 4.2 + 6.0 * n / 84 + cold
    for folder, count, saving, cooling, style, stem in CHAUFFAGE:
        chance = Chance(f"retex/chauffage/{folder}")
        buildings = []
        for i in range(count):
            usage, low, high = USAGES[i % len(USAGES)]
            buildings.append((f"B{i + 1:03d}", usage, int(chance.between(low, high)), chance.between(0.24, 0.46), chance.normal(saving, 0.03),
                              chance.normal(19.7, 0.35), chance.yes(0.5)))
        by_month = {}
        for day in days(start, end):
            for code, usage, surface, need, gain, warm, first in buildings:
                controlled = (((day - start).days // 7) % 2 == 0) == first
                busy = day.weekday() < 5 or (usage in ("Gymnase", "Bibliothèque", "Conservatoire") and day.weekday() == 5)
                local = outside[day] + chance.normal(0, 0.3)
                energy = need * surface * max(0.1, (19 - local) / 14) * (1.0 if busy else 0.62) * (1 - gain if controlled else 1) * math.exp(chance.normal(0, 0.09))
                inside = warm - (cooling if controlled else 0) - (0 if busy else 1.8) + chance.normal(0, 0.45)
                complaints = sum(chance.yes(0.035 if controlled else 0.028) for _ in range(3)) if busy else 0
                by_month.setdefault(day.month, []).append([code, usage, day, "pilotée" if controlled else "habituelle", surface,
                    round(energy, 1) if chance.yes(0.98) else None, round(inside, 1), round(local, 1), busy, complaints])
        for m, rows in by_month.items():
            rows.sort(key=lambda r: (r[0], r[2]))
            name = stem.format(m=f"2026-{m:02d}")
            if (folder, m) == ("94033", 2):  # mistake 5: the 31st of February
                wrong = [list(r) for r in rows]
                wrong[27][2] = "31/02/2026"
                sample.put(folder, "releves", name + "-v1", style, RELEVES, wrong)
                name += "-v2"
            if (folder, m) == ("93048", 1):  # mistake 6: a unit typed in the cell of a number
                wrong = [list(r) for r in rows]
                for at in (40, 41, 42):
                    wrong[at][5] = text(wrong[at][5] or 612.5, ",", "", "", "") + " kWh"
                sample.put(folder, "releves", name + "_v1", style, RELEVES, wrong)
                name += "_v2"
            sample.put(folder, "releves", name, style, RELEVES, rows)


def everything():
    files = {}
    for name, fill in (("tri-demandes", tri), ("depots-sauvages", depots), ("chauffage", chauffage)):
        sample = Sample(name)
        fill(sample)
        for folder, siren, answers in REX[name]:
            sample.rex(folder, siren, answers)
        files |= sample.files
    return files


def content(name, data):
    """What is compared: a workbook by its members, since compressors differ from one machine to another."""
    if name.endswith((".xlsx", ".ods")):
        with zipfile.ZipFile(io.BytesIO(data)) as z:
            return [(i.filename, i.date_time, z.read(i)) for i in z.infolist()]
    return data


def check(files):
    there = {p.relative_to(HERE).as_posix() for kind in ("deposits", "rex") for p in HERE.glob(f"*/{kind}/**/*") if p.is_file()}
    faults = [f"en trop : {n}" for n in sorted(there - files.keys())] + [f"absent : {n}" for n in sorted(files.keys() - there)]
    for name in sorted(files.keys() & there):
        if content(name, files[name]) != content(name, (HERE / name).read_bytes()):
            faults.append(f"différent : {name}")
    print("\n".join(faults) if faults else f"{len(files)} fichiers conformes")
    return 1 if faults else 0


def main():
    files = everything()
    if sys.argv[1:] == ["--check"]:
        return check(files)
    if sys.argv[1:]:
        print(__doc__)
        return 2
    for kind in ("deposits", "rex"):
        for path in HERE.glob(f"*/{kind}/**/*"):
            if path.is_file() and path.relative_to(HERE).as_posix() not in files:
                path.unlink()
    for name, data in files.items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    print(f"{len(files)} fichiers, {sum(map(len, files.values())) / 1e6:.1f} Mo")
    return 0


if __name__ == "__main__":
    sys.exit(main())
