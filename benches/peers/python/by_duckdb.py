"""DuckDB: CSV to Parquet, bare or with a row schema's constraints written in SQL. FILE SCHEMA PARQUET bare|constraints

The way that was fastest of those tried: one pass that writes every row with the number of its bad cells, then the sum of that column. A
table in memory and two queries, or a second pass for the count, take 1.3 to 1.6 times as long.
"""
import json
import sys

import duckdb

from ready import done, ready

TYPES = {"number": "DOUBLE", "integer": "BIGINT", "boolean": "BOOLEAN"}


def text(value):
    return "'" + str(value).replace("'", "''") + "'"


def column(name, rule, required):
    """The SQL of the typed value, and of whether the cell is bad."""
    of = rule.get("type", "string")
    of = [of] if isinstance(of, str) else of
    kind = next((TYPES[t] for t in of if t in TYPES), "DATE" if rule.get("format") == "date" else None)
    raw = f'"{name}"'
    typed = f"TRY_CAST({raw} AS {kind})" if kind else raw
    wrong = [f"{raw} IS NULL"] if required else []
    # NULL is no fault by itself: what did not convert is.
    if kind:
        wrong.append(f"({raw} IS NOT NULL AND {typed} IS NULL)")
    if "minimum" in rule:
        wrong.append(f"coalesce({typed} < {rule['minimum']}, false)")
    if "maximum" in rule:
        wrong.append(f"coalesce({typed} > {rule['maximum']}, false)")
    if "enum" in rule:
        wrong.append(f"coalesce({raw} NOT IN ({', '.join(map(text, rule['enum']))}), false)")
    if "pattern" in rule:
        # RE2 reads the whole value: the anchors go.
        wrong.append(f"NOT coalesce(regexp_full_match({raw}, {text(rule['pattern'].removeprefix('^').removesuffix('$'))}), true)")
    if "maxLength" in rule:
        wrong.append(f"coalesce(length({raw}) > {rule['maxLength']}, false)")
    return f"{typed} AS {raw}", f"({' OR '.join(wrong)})::INT" if wrong else "0"


ready()
file, schema, parquet, mode = sys.argv[1:]
connection = duckdb.connect()
if mode == "bare":
    select = f"SELECT * FROM read_csv({text(file)})"
else:
    # In 2.0 this optimiser turns TRY_CAST into the reader's own strict cast, which stops at the first bad cell.
    connection.execute("SET disabled_optimizers = 'type_pushdown'")
    with open(schema, encoding="utf-8") as opened:
        document = json.load(opened)
    columns = [column(name, rule, name in document["required"]) for name, rule in document["properties"].items()]
    read = f"read_csv({text(file)}, header = true, all_varchar = true, quote = '\"', escape = '\"')"
    select = f"SELECT {', '.join(c for c, _ in columns)}, {' + '.join(b for _, b in columns)} AS bad_cells FROM {read}"
connection.execute(f"COPY ({select}) TO {text(parquet)} (FORMAT parquet, COMPRESSION zstd)")
if mode == "bare":
    done()
else:
    query = f"SELECT sum(bad_cells), count(*), count(*) FILTER (bad_cells > 0) FROM {text(parquet)}"
    cells, rows, bad = connection.execute(query).fetchone()
    done(rows=rows, bad_cells=int(cells or 0), bad_rows=bad)
