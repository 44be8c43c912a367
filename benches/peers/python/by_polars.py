"""Bare polars, from its wheel: CSV to Parquet by its streaming engine, types given, no check. FILE SCHEMA PARQUET"""
import json
import sys

import polars as pl

from ready import done, ready

TYPES = {"number": pl.Float64, "integer": pl.Int64, "boolean": pl.Boolean}


def kind(rule):
    of = rule.get("type", "string")
    return next((TYPES[t] for t in ([of] if isinstance(of, str) else of) if t in TYPES), pl.String)


ready()
file, schema, parquet = sys.argv[1:]
with open(schema, encoding="utf-8") as opened:
    types = {name: kind(rule) for name, rule in json.load(opened)["properties"].items()}
pl.scan_csv(file, schema_overrides=types).sink_parquet(parquet, compression="zstd")
done()
