"""Checks what foundry sends against what the standards publish, one JSON line in, one JSON line of problems out.

In: {"kind": "traces" | "metrics" | "lineage", "body": ...}. OTLP is parsed with the protobuf messages of
opentelemetry-proto, which refuse a name, a type or an enum that they do not know. OpenLineage has its schemas published
as classes, generated from them, in openlineage-python: an event is held against their members, types and validators,
each facet against the class whose schema its _schemaURL names.
"""

import base64
import enum
import importlib
import json
import pkgutil
import re
import sys
import types
import typing
from urllib.parse import urlparse

import attr
import openlineage.client.generated as generated
from google.protobuf import json_format
from openlineage.client.generated import base
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {"traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest}
ID_BYTES = {"traceId": 16, "spanId": 8, "parentSpanId": 8}
URI_NAMES = {"producer", "schemaURL", "_producer", "_schemaURL"}


def otlp_problems(kind, body):
    try:
        json_format.ParseDict(with_binary_ids(body), REQUESTS[kind]())
    except (json_format.ParseError, ValueError) as error:
        return [str(error)]
    return []


def with_binary_ids(value):
    """OTLP departs from protobuf's JSON in one thing: ids are hex, not base64."""
    if isinstance(value, list):
        return [with_binary_ids(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: binary_id(name, one) if name in ID_BYTES else with_binary_ids(one) for name, one in value.items()}


def binary_id(name, text):
    if not re.fullmatch(f"[0-9a-f]{{{ID_BYTES[name] * 2}}}", text):
        raise ValueError(f"{name} is not {ID_BYTES[name]} bytes in hex: {text}")
    return base64.b64encode(bytes.fromhex(text)).decode()


def published_facets():
    for module in pkgutil.iter_modules(generated.__path__):
        importlib.import_module(f"{generated.__name__}.{module.name}")
    found, todo = {}, [base.BaseFacet]
    while todo:
        one = todo.pop()
        found[one._get_schema()] = one
        todo.extend(one.__subclasses__())
    return found


FACETS = published_facets()


def member_problems(value, kind, path):
    """Problems of `value` as a member declared as `kind`."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return [f"{path}: null"]
        [kind] = [one for one in args if one is not type(None)]
        return member_problems(value, kind, path)
    if origin is list:
        if not isinstance(value, list):
            return [f"{path}: no list"]
        return [each for at, one in enumerate(value) for each in member_problems(one, args[0], f"{path}/{at}")]
    if origin is dict:
        if not isinstance(value, dict):
            return [f"{path}: no object"]
        return [each for name, one in value.items() for each in member_problems(one, args[1], f"{path}/{name}")]
    if attr.has(kind):
        return object_problems(value, kind, path)
    if issubclass(kind, enum.Enum):
        return [] if value in {one.value for one in kind} else [f"{path}: no {kind.__name__}: {value}"]
    wanted = (int, float) if kind is float else kind
    fits = isinstance(value, wanted) and not (isinstance(value, bool) and kind is not bool)
    return [] if fits else [f"{path}: no {kind.__name__}: {value}"]


def object_problems(value, kind, path):
    if not isinstance(value, dict):
        return [f"{path}: no object"]
    problems = []
    if issubclass(kind, base.BaseFacet):
        named = FACETS.get(value.get("_schemaURL"))
        if named is None or not issubclass(named, kind):
            return [f"{path}: _schemaURL names no published {kind.__name__}: {value.get('_schemaURL')}"]
        kind = named
    elif issubclass(kind, base.BaseEvent) and value.get("schemaURL") != kind._get_schema():
        problems.append(f"{path}/schemaURL: {value.get('schemaURL')}")
    hints = typing.get_type_hints(kind)
    known = {field.name: field for field in attr.fields(kind)}
    for name, field in known.items():
        if name in value:
            problems += member_problems(value[name], hints[name], f"{path}/{name}")
            problems += validator_problems(field, value[name], f"{path}/{name}")
        elif field.default is attr.NOTHING or name in URI_NAMES:
            problems.append(f"{path}/{name}: missing")
    is_own_facet = issubclass(kind, base.BaseFacet) and kind.__module__ == base.__name__
    if not is_own_facet:
        problems += [f"{path}/{name}: not in the schema" for name in value if name not in known]
    return problems


def validator_problems(field, value, path):
    if field.name in URI_NAMES and not urlparse(str(value)).scheme:
        return [f"{path}: no URI: {value}"]
    try:
        if field.validator is not None:
            field.validator(None, field, value)
    except (TypeError, ValueError) as error:
        return [f"{path}: {error}"]
    return []


for line in sys.stdin:
    asked = json.loads(line)
    if asked["kind"] == "lineage":
        answer = object_problems(asked["body"], base.RunEvent, "")
    else:
        answer = otlp_problems(asked["kind"], asked["body"])
    print(json.dumps(answer), flush=True)
