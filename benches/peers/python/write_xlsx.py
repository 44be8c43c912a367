"""A workbook of the first rows of a CSV as Excel writes them: shared strings, numbers and booleans as such. CSV XLSX ROWS"""
import csv
import itertools
import sys

import xlsxwriter

NUMBERS = {"duree_s", "satisfaction", "energie_kwh", "latitude", "longitude"}
BOOLEANS = {"resolu": {"true": True, "false": False}}

source, target, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
workbook = xlsxwriter.Workbook(target)
sheet = workbook.add_worksheet("Données")
with open(source, encoding="utf-8", newline="") as opened:
    reader = csv.reader(opened)
    headers = next(reader)
    sheet.write_row(0, 0, headers)
    for y, row in enumerate(itertools.islice(reader, rows), 1):
        for x, (name, cell) in enumerate(zip(headers, row)):
            if cell == "":
                continue
            if name in NUMBERS:
                sheet.write_number(y, x, float(cell))
            elif name in BOOLEANS:
                sheet.write_boolean(y, x, BOOLEANS[name][cell])
            else:
                sheet.write_string(y, x, cell)
workbook.close()
