"""Reads each path of a JSON list on stdin as pyarrow does by default, and prints the tables.

Values are texts that are equal only where the values are; see Table in readers.ts.
"""

import json
import math
import struct
import sys

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

SIMPLE = {
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.string(): "string",
    pa.large_string(): "string",
    pa.binary(): "binary",
    pa.large_binary(): "binary",
    pa.date32(): "date",
    pa.time64("us"): "time",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", tz="UTC"): "timestamptz",
}


def bits(value):
    return struct.pack(">d", math.nan if math.isnan(value) else value).hex()


def column(array):
    kind = array.type
    if pa.types.is_dictionary(kind):
        return column(pa.chunked_array([chunk.dictionary_decode() for chunk in array.chunks], kind.value_type))
    if pa.types.is_decimal(kind):
        name = f"decimal({kind.precision},{kind.scale})"
        return name, [None if v is None else format(v, "f") for v in array.to_pylist()]
    name = SIMPLE.get(kind, str(kind))
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        values = array.cast(pa.int64()).to_pylist()
    elif pa.types.is_date32(kind):
        values = array.cast(pa.int32()).to_pylist()
    else:
        values = array.to_pylist()
    if name == "double":
        show = bits
    elif name == "binary":
        show = bytes.hex
    elif name == "boolean":
        show = lambda v: "true" if v else "false"
    else:
        show = str
    return name, [None if v is None else show(v) for v in values]


def read(path):
    if path.endswith(".csv"):
        options = pyarrow.csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""])
        table = pyarrow.csv.read_csv(path, convert_options=options, parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True))
    else:
        table = pq.read_table(path)
    columns = {name: column(table.column(name)) for name in table.column_names}
    types = {name: kind for name, (kind, _) in columns.items()}
    rows = [{name: values[i] for name, (_, values) in columns.items()} for i in range(table.num_rows)]
    return {"types": types, "rows": rows}


json.dump([read(path) for path in json.load(sys.stdin)], sys.stdout)
