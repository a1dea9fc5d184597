"""Documents → frozen pydantic models; what pydantic finds in a planner's words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from funnelsim.documents.document import Document, DocumentPath, Plain, did_you_mean
from funnelsim.errors import DataError, InputError, Problem

__all__ = ["explain", "validate"]

Model = TypeVar("Model", bound=BaseModel)
Schema = Mapping[str, Any]

FORMAT_VERSION = 1
IN_QUOTES = "If it is meant as text, put it in quotes."
ZONE = "Add the offset from UTC, for example 2024-02-29T09:00:00+02:00."
LONGEST = 80

# pydantic's words → a planner's; the bracketed reasons of a failed parse add nothing
WORDS = (
    (r" \((unable to (parse|interpret)|got a number with|invalid character)[^)]*\)", ""),
    (r"a valid dictionary( or instance of \w+)?", "a mapping"),
    (r"a valid (list|tuple|array)", "a list"),
    (r"a valid string", "text"),
    (r"a valid integer", "a whole number"),
    (r"a valid number", "a number"),
    (r"a valid boolean", "true or false"),
    (r"timezone info", "a time zone"),
)


def validate(document: Document, model: type[Model], error: type[InputError] = DataError) -> Model:
    """Return the model a document describes, or every problem with its place.

    Parameters
    ----------
    document : Document
        From `load_document`. Where the model has a field ``funnelsim`` (the format
        version), the document must begin with it.
    model : type
        A pydantic model.
    error : type
        What to raise.

    Returns
    -------
    BaseModel
        An instance of ``model``.

    Raises
    ------
    InputError
        Every problem, with file:line:column, path, value and what is allowed.

    Examples
    --------
    >>> from pydantic import BaseModel, ConfigDict
    >>> from funnelsim.documents import parse_document
    >>> class Team(BaseModel):
    ...     model_config = ConfigDict(extra="forbid")
    ...     seats: int = 1
    >>> validate(parse_document("seats: 3"), Team).seats
    3
    >>> validate(parse_document("seets: 3", "x.yaml"), Team)
    Traceback (most recent call last):
    funnelsim.errors.DataError: x.yaml:1:1 seets: unknown key "seets". Did you mean "seats"?
    """
    if "funnelsim" in model.model_fields:
        _check_version(document, error)
    try:
        result = model.model_validate(document.data)
    except ValidationError as invalid:
        raise error(explain(invalid, document, model)) from None
    return result


def explain(
    invalid: ValidationError, document: Document, model: type[BaseModel]
) -> tuple[Problem, ...]:
    """Return what pydantic found as problems a planner understands.

    Parameters
    ----------
    invalid : ValidationError
        From validating ``document.data``.
    document : Document
        Gives the places; ``Document(name, data)`` will do for data without a file.
    model : type
        The model that refused it: its schema says what is allowed.

    Returns
    -------
    tuple of Problem
        In the document's order; several complaints about one value become one.

    Examples
    --------
    >>> from pydantic import BaseModel
    >>> class Team(BaseModel):
    ...     seats: int
    >>> try:
    ...     Team.model_validate({"seats": "many"})
    ... except ValidationError as invalid:
    ...     print(*explain(invalid, Document("x.yaml", {"seats": "many"}), Team))
    x.yaml seats: must be a whole number, not "many"
    """
    schema = model.model_json_schema(mode="validation")
    errors = invalid.errors(include_url=False)
    located = [(_path_of(error, document.data), error) for error in errors]
    problems: dict[DocumentPath, Problem] = {}
    for path, error in _deepest(located):
        problem = _problem_of(path, error, document, schema)
        kept = problems.setdefault(path, problem)
        if kept is not problem and problem.message != kept.message:
            merged = _merged_message(kept.message, problem.message)
            problems[path] = Problem(merged, kept.where, kept.path, kept.fix or problem.fix)
    order = {path: number for number, path in enumerate(document.keys)}
    ranked = sorted(problems, key=lambda path: order.get(path, order.get(path[:-1], -1)))
    return tuple(problems[path] for path in ranked)


def _check_version(document: Document, error: type[InputError]) -> None:
    """Refuse a document that does not begin with the format version we read."""
    data = document.data
    if next(iter(data), None) != "funnelsim":
        key = "funnelsim" in data
        message = 'the first line must be "funnelsim: 1", the format version'
        fix = "Move it to the top." if key else "Add it at the top."
        raise error(Problem(message, f"{document.name}:1:1", fix=fix))
    version = data["funnelsim"]
    if version != FORMAT_VERSION or isinstance(version, bool):
        newer = isinstance(version, int) and version > FORMAT_VERSION
        fix = "Update funnelsim to read it." if newer else f"Write funnelsim: {FORMAT_VERSION}."
        message = f"format {shown(version)} is not known; this funnelsim reads {FORMAT_VERSION}"
        raise error(document.problem(("funnelsim",), message, fix))


def _path_of(error: ErrorDetails, data: Plain) -> DocumentPath:
    """Return pydantic's location without the names of union branches and validators."""
    path: list[str | int] = []
    here = data
    last = len(error["loc"]) - 1 if error["type"] == "missing" else None
    for number, part in enumerate(error["loc"]):
        if isinstance(here, dict):
            key = next((k for k in here if k == part or str(k) == str(part)), None)
            if key is not None:
                path.append(key)
                here = here[key]
            elif number == last:
                path.append(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            path.append(part)
            here = here[part]
    return tuple(path)


def _deepest(
    located: list[tuple[DocumentPath, ErrorDetails]],
) -> Iterator[tuple[DocumentPath, ErrorDetails]]:
    """Drop 'wrong kind' complaints of union branches when another branch says more."""
    for path, error in located:
        wrong_kind = error["type"].endswith(("_type", "_parsing")) or "instance_of" in error["type"]
        container = isinstance(error["input"], dict | list)
        inside = any(len(p) > len(path) and p[: len(path)] == path for p, _ in located)
        if not (wrong_kind and container and inside):
            yield path, error


def _problem_of(
    path: DocumentPath, error: ErrorDetails, document: Document, schema: Schema
) -> Problem:
    """Return one pydantic error as a problem."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind == "extra_forbidden":
        fix = did_you_mean(path[-1], _unused_keys(schema, path[:-1], document.data))
        return document.problem(path, f'unknown key "{path[-1]}"', fix, key=True)
    if kind == "missing":
        said = _description(schema, path)
        return document.problem(path, "is missing", f"Add it: {said}." if said else "", key=True)
    if kind in {"value_error", "assertion_error"}:
        return document.problem(path, str(context["error"]))
    if error["loc"][-1:] == ("[key]",):
        fix = IN_QUOTES if kind == "string_type" else ""
        return document.problem(path, f"the key {_kind_of(error, shown(value))}", fix, key=True)
    return _value_problem(path, error, document)


def _value_problem(path: DocumentPath, error: ErrorDetails, document: Document) -> Problem:
    """Return pydantic's complaint about one value as a problem."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind.startswith("union_tag_"):
        path = (*path, str(context["discriminator"]).strip("'"))
        value = context.get("tag")
    if kind == "union_tag_not_found":
        return document.problem(path, "is missing", key=True)
    if kind in {"literal_error", "enum", "union_tag_invalid"}:
        expected = str(context.get("expected", context.get("expected_tags", "")))
        allowed = re.findall(r"'([^']*)'", expected) or re.split(r", | or ", expected)
        return document.problem(
            path, f"{shown(value)} is not allowed", did_you_mean(value, allowed)
        )
    fix = ZONE if kind == "timezone_aware" else str(context.get("fix", ""))
    if kind == "string_type" and isinstance(value, int | float):
        fix = IN_QUOTES
    return document.problem(path, _kind_of(error, shown(value)), fix)


def _kind_of(error: ErrorDetails, value: str) -> str:
    """Return pydantic's message as "must be …, not …"."""
    message = re.sub(r"^Input should ", "must ", error["msg"])
    if not message.startswith("must "):
        return message[:1].lower() + message[1:]
    message = re.sub(r", (.*)$", r" (\1)", message)
    for pattern, word in WORDS:
        message = re.sub(pattern, word, message)
    return f"{message}, not {value}"


def _merged_message(first: str, second: str) -> str:
    """Join what two branches of a union would have accepted."""
    head, found, value = first.rpartition(", not ")
    other = second.rpartition(", not ")[0].removeprefix("must be ").removeprefix("must ")
    if found and other and other not in head:
        return f"{head} or {other}, not {value}"
    return first


def shown(value: object) -> str:
    """Return a value as a planner wrote it, shortened."""
    if value is None:
        return "empty"
    if isinstance(value, Mapping):
        return f"a mapping of {', '.join(str(key) for key in value)}"[:LONGEST]
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]}…{text[-1]}"


def _resolved(schema: Schema, root: Schema) -> Iterator[Schema]:
    """Yield the schema's branches with references followed."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        yield from _resolved(root["$defs"][name], root)
    for word in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(word, ()):
            yield from _resolved(branch, root)
    yield schema


def _at(root: Schema, path: DocumentPath) -> list[Schema]:
    """Return every schema that may apply at a path."""
    here = list(_resolved(root, root))
    for part in path:
        deeper: list[Schema] = []
        for schema in here:
            named = schema.get("properties", {}).get(str(part))
            other = schema.get("items" if isinstance(part, int) else "additionalProperties")
            found = named or other
            if isinstance(found, Mapping):
                deeper += _resolved(found, root)
        here = deeper
    return here


def _unused_keys(root: Schema, path: DocumentPath, data: Plain) -> list[str]:
    """Return the keys allowed at a path that the document does not use yet."""
    for part in path:
        data = data[part]
    names = [name for schema in _at(root, path) for name in schema.get("properties", ())]
    return [name for name in dict.fromkeys(names) if name not in data]


def _description(root: Schema, path: DocumentPath) -> str:
    """Return the first paragraph of what the schema says about a path."""
    texts = [str(s["description"]) for s in _at(root, path) if s.get("description")]
    return " ".join(texts[-1].split("\n\n")[0].split()).rstrip(".") if texts else ""
