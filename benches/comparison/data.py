"""The data, made once and kept: the generator's table, and what is derived from it by repeating its body."""
import csv
import itertools
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from .say import say

HERE = Path(__file__).resolve().parent.parent / "data"
ROW_SCHEMA, TABLE_SCHEMA = HERE / "row.schema.json", HERE / "table.schema.json"
# One row in a hundred with one bad cell: 11 928 of them in a million rows.
BAD = "0.001"
# A column that numbers the rows, for the runs with a unique key.
NUMBER = "numero"
# Columns of the narrow tables, chosen so that a row has a quarter and a half of the bytes of a whole one.
NARROW = {3: ["code_insee", "duree_s", "horodatage"], 6: ["code_insee", "date", "duree_s", "satisfaction", "energie_kwh", "commentaire"]}


class Data:
    """Files below `folder`, named after what is in them."""

    def __init__(self, folder, rows):
        self.folder, self.rows = folder / "data", rows
        self.folder.mkdir(parents=True, exist_ok=True)

    def clean(self, rows=None):
        """The generator's table; more rows than `self.rows` repeat its body."""
        rows = rows or self.rows
        if rows > self.rows:
            with self.made(f"clean-{rows}.csv") as path:
                if path:
                    self.repeated(path, rows)
            return self.folder / f"clean-{rows}.csv"
        return self.generated(f"clean-{rows}.csv", rows)

    def bad(self):
        return self.generated(f"bad-{self.rows}.csv", self.rows, "--bad", BAD)

    def french(self):
        """As Excel saves a CSV in France."""
        return self.generated(f"french-{self.rows}.csv", self.rows, "--sep", ";", "--enc", "cp1252", "--dec", ",")

    def generated(self, name, rows, *options):
        with self.made(name) as path:
            if path:
                # The generator takes the format from the end of the name.
                command = [sys.executable, "-B", HERE / "generate.py", path, "--rows", str(rows), *options]
                subprocess.run(command, check=True)
        return self.folder / name

    def repeated(self, path, rows):
        whole, rest = divmod(rows, self.rows)
        if rest:
            raise ValueError(f"{rows} is no multiple of {self.rows}")
        with open(self.clean(), "rb") as source, open(path, "wb") as out:
            header = source.readline()
            body = source.read()
            out.write(header)
            for _ in range(whole):
                out.write(body)

    def numbered(self, times):
        """The table `times` over, each row under a number of its own, with the two schemas that know of it."""
        name = f"numbered-{self.rows}x{times}.csv"
        with self.made(name) as path:
            if path:
                with open(self.clean(), "rb") as source:
                    header, body = source.readline(), records(source)
                with open(path, "wb", buffering=1 << 20) as out:
                    out.write(NUMBER.encode() + b"," + header)
                    for start in range(1, times * len(body) + 1, len(body)):
                        out.write(b"".join(map(b"%d,%b".__mod__, zip(itertools.count(start), body))))
        return self.folder / name, *self.numbered_schemas()

    def numbered_twice(self):
        """Two rows under the same number, with the two schemas."""
        with open(self.clean(), "rb") as source:
            header, body = source.readline(), records(itertools.islice(source, 10))
        path = self.folder / "numbered-twice.csv"
        path.write_bytes(b"%b,%b1,%b1,%b" % (NUMBER.encode(), header, body[0], body[1]))
        return path, *self.numbered_schemas()

    def numbered_schemas(self):
        row, table = read_json(ROW_SCHEMA), read_json(TABLE_SCHEMA)
        row["properties"] = {NUMBER: {"type": "integer", "minimum": 1}, **row["properties"]}
        row["required"].insert(0, NUMBER)
        table["fields"].insert(0, {"name": NUMBER, "type": "integer", "constraints": {"required": True, "minimum": 1}})
        table["primaryKey"] = [NUMBER]
        return self.schema("numbered.row.json", row), self.schema("numbered.table.json", table)

    def wide(self, columns, rows):
        """`rows` rows of `columns` columns: some of the table's, or all of them several times under new names."""
        document = read_json(ROW_SCHEMA)
        all_columns = list(document["properties"])
        kept = NARROW.get(columns, all_columns)
        copies = max(1, columns // len(kept))
        if len(kept) * copies != columns:
            raise ValueError(f"{columns} columns are not made here")
        named = [(name, name if copy == 0 else f"{name}_{copy + 1}") for copy in range(copies) for name in kept]
        path = self.folder / f"wide-{rows}x{columns}.csv"
        with self.made(path.name) as part:
            if part:
                places = [all_columns.index(name) for name in kept] * copies
                with open(self.clean(), encoding="utf-8", newline="") as source, open(part, "w", encoding="utf-8", newline="") as out:
                    writer = csv.writer(out, lineterminator="\n")
                    writer.writerow([new for _, new in named])
                    for row in itertools.islice(csv.reader(source), 1, rows + 1):
                        writer.writerow([row[place] for place in places])
        properties = {new: document["properties"][name] for name, new in named}
        required = [new for name, new in named if name in document["required"]]
        schema = {**document, "required": required, "properties": properties}
        return path, self.schema(f"wide-{columns}.json", schema)

    def workbook(self, rows, python):
        """The first rows as an XLSX."""
        name = f"clean-{rows}.xlsx"
        with self.made(name) as path:
            if path:
                writer = HERE.parent / "peers/python/write_xlsx.py"
                subprocess.run([python, "-B", writer, self.clean(), path, str(rows)], check=True)
        return self.folder / name

    def schema(self, name, document):
        path = self.folder / name
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
        return path

    @contextmanager
    def made(self, name):
        """Gives a path to write to where the file is not there yet; it takes its name once whole."""
        path = self.folder / name
        if path.exists():
            yield None
            return
        say(f"Fabrication de {name}")
        part = path.with_name("part-" + name)
        yield part
        os.replace(part, path)

    def drop(self, path):
        path.unlink(missing_ok=True)


def records(source):
    """Lines of a CSV put together into records: a line that leaves a quote open goes on with the next."""
    whole, open_quote = [], False
    for line in source:
        if open_quote:
            whole[-1] += line
        else:
            whole.append(line)
        if line.count(b'"') % 2:
            open_quote = not open_quote
    return whole


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def read_once(path):
    """Puts a file in the page cache."""
    with open(path, "rb", buffering=0) as opened:
        while opened.read(1 << 24):
            pass
