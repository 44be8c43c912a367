"""frictionless-py, its own validation with a Table Schema. FILE TABLE-SCHEMA

(A module whose name starts with `frictionless_` would be taken for a plugin and run twice.)
"""
import os
import sys

from frictionless import Resource, Schema

from ready import done, ready

ready()
file, schema = sys.argv[1:]
folder, name = os.path.split(os.path.abspath(file))
os.chdir(os.path.dirname(os.path.abspath(schema)))
schema = Schema.from_descriptor(os.path.basename(schema))
report = Resource(path=name, basepath=folder, schema=schema).validate(limit_errors=10**9)
cells = set(map(tuple, report.flatten(["rowNumber", "fieldNumber"])))
if any(row is None or column is None for row, column in cells):
    sys.exit(str(report.flatten(["type", "message"])[:3]))
done(rows=report.tasks[0].stats["rows"], bad_rows=len({row for row, _ in cells}), bad_cells=len(cells))
