"""The JSON schema of scenario files, made readable for people and editors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["schema", "tidy"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The JSON schema of a scenario file: editors complete and check with it.

    Returns
    -------
    dict
        JSON Schema, draft 2020-12. It refuses unknown keys, wrong units and wrong
        kinds; what needs the whole file (names that must exist, probabilities that
        must sum to 1) only ``load`` can tell.

    Examples
    --------
    >>> list(schema()["properties"])[:3]
    ['funnelsim', 'name', 'title']
    """
    from funnelsim.scenarios.scenario import Scenario  # it builds on this module

    return {"$schema": _DIALECT, **Scenario.model_json_schema()}


def tidy(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Name definitions by their titles and leave out what only Python needs.

    Examples
    --------
    >>> tidy({"$ref": "#/$defs/A_1", "$defs": {"A_1": {"title": "A", "type": "null"}}})
    {'$ref': '#/$defs/A', '$defs': {'A': {'title': 'A', 'type': 'null'}}}
    """
    definitions = raw.get("$defs", {})
    names = {key: str(part.get("title", key)) for key, part in definitions.items()}
    named = {names[key]: part for key, part in definitions.items()}
    renamed = _part({**raw, **({"$defs": named} if definitions else {})}, names)
    return dict(renamed)


def _part(part: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON is anything
    """One piece of a schema, cleaned."""
    if isinstance(part, list):
        return [_part(item, names) for item in part]
    if not isinstance(part, Mapping):
        return part
    found = {key: _part(item, names) for key, item in part.items()}
    if "$ref" in found:
        found["$ref"] = "#/$defs/" + names[str(found["$ref"]).rpartition("/")[2]]
    if isinstance(found.get("description"), str):
        found["description"] = _plain_text(found["description"])
    if isinstance(found.get("properties"), Mapping):
        found["properties"] = {key: _field(item) for key, item in found["properties"].items()}
    patterns = found.get("patternProperties")
    if isinstance(patterns, Mapping):  # every key must match, and editors look no further
        ((pattern, item),) = found.pop("patternProperties").items()
        found["additionalProperties"] = item
        found["propertyNames"] = {**found.get("propertyNames", {}), "pattern": pattern}
    return found


def _field(part: dict[str, Any]) -> dict[str, Any]:
    """A field: no Python title; an empty value and its default are not offered."""
    field = {key: item for key, item in part.items() if key != "title"}
    if field.get("default") is None or isinstance(field.get("default"), dict | list):
        field.pop("default", None)
    ways = [way for way in field.get("anyOf", ()) if way != {"type": "null"}]
    if len(ways) == 1:
        del field["anyOf"]
        return {**ways[0], **field}
    return {**field, "anyOf": ways} if ways else field


def _plain_text(docstring: str) -> str:
    """A docstring's prose, without its examples and markup."""
    prose = re.split(r"\n\s*Examples\n", docstring, maxsplit=1)[0]
    return re.sub(r"\s+", " ", prose.replace("``", "`").replace("*next*", "`next`")).strip()
