#!/usr/bin/env python3
"""Writes the seeds of tests/it/mutations.rs: one small table in every format that a deposit may have, and schemas.

    python3 -m venv v && v/bin/pip install polars==2.1.0 XlsxWriter==3.3.1 xlwt==1.3.0 odfpy==1.4.1 zstandard==0.25.0
    v/bin/python tests/corpus/make.py [FOLDER OF ../shared]

The files are kept, so that nobody needs these packages to run the tests. README.md says which ones come from elsewhere.
"""
import datetime as dt, gzip, io, json, pathlib, random, shutil, subprocess, sys, zipfile

HERE = pathlib.Path(__file__).parent
SHARED = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent.parent.parent / "shared"
COLUMNS = ["id", "jour", "instant", "montant", "entier", "bras", "resolu", "commune", "remarque"]
STAMP = (2026, 3, 12, 8, 0, 0)


def rows():
    r = random.Random(4)
    for i in range(24):
        day = dt.date(2026, 3, 1) + dt.timedelta(i)
        yield [f"D{i:06d}", day, dt.datetime(day.year, day.month, day.day, 8 + i % 9, 5), None if i % 7 == 0 else round(r.uniform(-9, 999), 2),
               1 + i % 5, ["temoin", "assistant"][i % 2], i % 3 == 0, ["75056", "93048", "2A004"][i % 3],
               [None, "été; « oui »", 'dit "non"\nsuite', "=1+1", "-3,5", "œuvre à 12 €"][i % 6]]


def text(value, decimal=".", french=False):
    if value is None: return ""
    if isinstance(value, bool): return ("Oui" if value else "Non") if french else str(value).lower()
    if isinstance(value, float): return str(value).replace(".", decimal)
    if isinstance(value, dt.datetime): return value.strftime("%d/%m/%Y %H:%M" if french else "%Y-%m-%dT%H:%M:%S")
    if isinstance(value, dt.date): return value.strftime("%d/%m/%Y") if french else value.isoformat()
    return str(value)


def csv_text(delimiter=",", end="\n", **how):
    def cell(t): return '"' + t.replace('"', '""') + '"' if any(c in t for c in delimiter + '"\r\n') else t
    return "".join(delimiter.join(cell(c) for c in line) + end for line in [COLUMNS] + [[text(v, **how) for v in row] for row in rows()])


def objects():
    return [{c: v.isoformat() if isinstance(v, dt.date) else v for c, v in zip(COLUMNS, row)} for row in rows()]


def zipped(name, files):
    with zipfile.ZipFile(HERE / name, "w", zipfile.ZIP_DEFLATED) as z:
        for inner, data in files.items(): z.writestr(zipfile.ZipInfo(inner, STAMP), data, zipfile.ZIP_DEFLATED)


def text_files():
    out = {"comma.csv": csv_text().encode(), "french.csv": csv_text(";", "\r\n", decimal=",", french=True).encode("cp1252"),
           "bom.csv": csv_text(";", "\r\n").encode("utf-8-sig"), "tab.tsv": csv_text("\t").encode(),
           "utf16le.csv": b"\xff\xfe" + csv_text("\t", "\r\n").encode("utf-16-le"), "utf16be.csv": b"\xfe\xff" + csv_text(";").encode("utf-16-be"),
           "preamble.csv": b"sep=;\r\nDemandes de mars;;\r\n\r\n" + csv_text(";", "\r\n").encode(),
           "lines.jsonl": "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in objects()).encode(),
           "array.json": json.dumps(objects(), ensure_ascii=False, indent=1).encode()}
    for name, data in out.items(): (HERE / name).write_bytes(data)
    import zstandard
    body = out["comma.csv"]
    (HERE / "comma.csv.gz").write_bytes(gzip.compress(body, 9, mtime=0))
    (HERE / "french.csv.gz").write_bytes(gzip.compress(out["french.csv"], 1, mtime=0))
    (HERE / "comma.csv.zst").write_bytes(zstandard.ZstdCompressor(9, write_checksum=True).compress(body))
    stream = zstandard.ZstdCompressor(1).compressobj()
    (HERE / "lines.jsonl.zst").write_bytes(stream.compress(out["lines.jsonl"]) + stream.flush())
    zipped("comma.zip", {"comma.csv": body})
    zipped("french.zip", {"export/french.csv": out["french.csv"]})


def columnar():
    import polars as pl
    frame = pl.DataFrame(list(rows()), schema=dict(zip(COLUMNS, [pl.String, pl.Date, pl.Datetime("us"), pl.Float64, pl.Int64, pl.String, pl.Boolean, pl.String, pl.String])), orient="row")
    for compression in ["zstd", "snappy", "uncompressed"]: frame.write_parquet(HERE / f"{compression}.parquet", compression=compression)
    other = frame.with_columns(pl.col("bras").cast(pl.Categorical), pl.col("entier").cast(pl.Int16), pl.col("montant").cast(pl.Float32),
                               pl.col("instant").cast(pl.Datetime("ns")), pl.struct("id", "entier").alias("objet"), pl.col("entier").implode().over("bras").alias("liste"))
    other.write_parquet(HERE / "types.parquet", compression="gzip", row_group_size=8)
    frame.write_ipc(HERE / "file.arrow", compression="uncompressed")
    other.write_ipc(HERE / "types.arrow", compression="zstd")
    frame.write_ipc_stream(HERE / "stream.arrow", compression="lz4")


def workbooks():
    import xlsxwriter, xlwt
    from odf import opendocument, table, text as odf_text
    book = xlsxwriter.Workbook(str(HERE / "book.xlsx"))
    book.set_properties({"created": dt.datetime(*STAMP)})
    book.add_worksheet("Notice").write(0, 0, "Lisez-moi")
    sheet, day = book.add_worksheet("Données"), book.add_format({"num_format": "dd/mm/yyyy"})
    sheet.merge_range(0, 0, 0, 3, "Demandes de mars")
    sheet.write_row(2, 0, COLUMNS)
    for i, row in enumerate(rows(), 3):
        for j, value in enumerate(row):
            if isinstance(value, dt.date): sheet.write_datetime(i, j, value, day)
            elif isinstance(value, str): sheet.write_string(i, j, value)
            elif value is not None: sheet.write(i, j, value)
    sheet.write_formula(30, 4, "=SUM(E4:E27)", None, 72)
    sheet.set_row(5, None, None, {"hidden": True})
    book.close()
    old = xlwt.Workbook()
    sheet, style = old.add_sheet("Données"), xlwt.easyxf(num_format_str="DD/MM/YYYY")
    for j, name in enumerate(COLUMNS): sheet.write(0, j, name)
    for i, row in enumerate(rows(), 1):
        for j, value in enumerate(row):
            if isinstance(value, dt.date): sheet.write(i, j, value, style)
            elif value is not None: sheet.write(i, j, value)
    old.save(str(HERE / "book.xls"))
    doc = opendocument.OpenDocumentSpreadsheet()
    grid = table.Table(name="Données")
    for line in [COLUMNS, *rows()]:
        tr = table.TableRow()
        for value in line:
            kind = {}
            if isinstance(value, bool): kind = {"valuetype": "boolean", "booleanvalue": str(value).lower()}
            elif isinstance(value, (int, float)): kind = {"valuetype": "float", "value": value}
            elif isinstance(value, dt.date): kind = {"valuetype": "date", "datevalue": value.isoformat()}
            elif value is not None: kind = {"valuetype": "string"}
            cell = table.TableCell(**kind)
            if value is not None: cell.addElement(odf_text.P(text=text(value)))
            tr.addElement(cell)
        grid.addElement(tr)
    doc.spreadsheet.addElement(grid)
    doc.save(str(HERE / "book.ods"))


def schemas():
    properties = {
        "id": {"type": "string", "pattern": "^D[0-9]{6}$", "examples": ["D004217"], "title": "Identifiant"},
        "jour": {"type": "string", "format": "date"},
        "instant": {"type": ["string", "null"], "format": "date-time"},
        "montant": {"type": ["number", "null"], "minimum": -10, "exclusiveMaximum": 1000},
        "entier": {"type": "integer", "minimum": 1, "maximum": 5, "multipleOf": 1},
        "bras": {"enum": ["temoin", "assistant"]},
        "resolu": {"type": "boolean"},
        "commune": {"$ref": "#/$defs/commune"},
        "remarque": {"anyOf": [{"type": "string", "maxLength": 80}, {"type": "null"}]},
    }
    row = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "$defs": {"commune": {"type": "string", "format": "insee-commune"}},
           "required": ["id", "jour", "bras"], "properties": properties,
           "if": {"properties": {"resolu": {"const": True}}, "required": ["resolu"]}, "then": {"required": ["entier"]},
           "dependentRequired": {"montant": ["jour"]}}
    fields = [{"name": "id", "type": "string", "constraints": {"required": True, "unique": True, "pattern": "D[0-9]{6}"}},
              {"name": "jour", "type": "date", "format": "any"}, {"name": "instant", "type": "datetime", "format": "%Y-%m-%dT%H:%M:%S"},
              {"name": "montant", "type": "number", "decimalChar": ".", "groupChar": " ", "bareNumber": False, "constraints": {"minimum": "-10"}},
              {"name": "entier", "type": "integer", "constraints": {"enum": ["1", "2", "3", "4", "5"]}},
              {"name": "bras", "type": "string", "constraints": {"enum": ["temoin", "assistant"]}},
              {"name": "resolu", "type": "boolean", "trueValues": ["true", "Oui"], "falseValues": ["false", "Non"]},
              {"name": "commune", "type": "string", "constraints": {"minLength": 5, "maxLength": 5}}, {"name": "remarque", "type": "string"}]
    write = lambda name, value: (HERE / name).write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n")
    write("row.schema.json", row)
    write("row.table-schema.json", {"$schema": "https://datapackage.org/profiles/2.0/tableschema.json", "fieldsMatch": "subset", "missingValues": ["", "n/d"], "primaryKey": "id", "fields": fields})


def copied():
    for origin in ["calamine/date_1904.xlsx", "calamine/malformed_format.xls", "calamine/pass_protected.xlsx", "csv-detective/file.ods"]:
        shutil.copyfile(SHARED / "cases" / origin, HERE / pathlib.Path(origin).name)
    shutil.copyfile(SHARED / "bench/row.schema.json", HERE / "bench.schema.json")
    subprocess.run([sys.executable, SHARED / "bench/generate.py", HERE / "bench.csv", "--rows", "300"], check=True)


for make in [text_files, columnar, workbooks, schemas, copied]: make()
