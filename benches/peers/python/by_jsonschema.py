"""jsonschema-rs, row by row from Python's csv reader. FILE SCHEMA"""
import csv
import json
import sys

import jsonschema_rs

from ready import done, ready


def number(value):
    try:
        return float(value)
    except ValueError:
        return value


def integer(value):
    try:
        return int(value)
    except ValueError:
        return value


BOOLEANS = {"true": True, "false": False}
TYPES = {"number": number, "integer": integer, "boolean": lambda value: BOOLEANS.get(value, value)}


def converter(rule):
    of = rule.get("type", "string")
    return next((TYPES[t] for t in ([of] if isinstance(of, str) else of) if t in TYPES), None)


ready()
file, schema = sys.argv[1:]
with open(schema, encoding="utf-8") as opened:
    document = json.load(opened)
validator = jsonschema_rs.Draft202012Validator(document, validate_formats=True)
rows = bad_rows = bad_cells = 0
with open(file, encoding="utf-8", newline="") as opened:
    reader = csv.reader(opened)
    headers = next(reader)
    columns = [(name, converter(document["properties"].get(name, {}))) for name in headers]
    for cells in reader:
        row = {name: None if cell == "" else cell if of is None else of(cell) for (name, of), cell in zip(columns, cells)}
        rows += 1
        if not validator.is_valid(row):
            bad_rows += 1
            bad_cells += len({tuple(error.instance_path) for error in validator.iter_errors(row)})
done(rows=rows, bad_rows=bad_rows, bad_cells=bad_cells)
