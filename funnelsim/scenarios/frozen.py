"""What all parts of a scenario share: immutable, unknown keys refused, ids, labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializationInfo,
    StringConstraints,
)

from funnelsim.scenarios.schema import tidy

__all__ = ["Frozen", "Id", "Label", "Share", "label_text", "spelled_out"]

_ID = r"^[a-z0-9][a-z0-9_-]*$"
_LANGUAGE = r"^[a-z]{2,3}$"


def spelled_out(info: SerializationInfo) -> bool:
    """Whether short forms (a bare value for a mapping of one) are not wanted."""
    return bool((info.context or {}).get("spelled_out"))


class Frozen(BaseModel):
    """An immutable part of a scenario; a field's docstring is its schema text."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:  # noqa: ANN401
        """The JSON schema as an editor shows it."""
        return tidy(super().model_json_schema(*args, **options))


def _read_id(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(_ID, value):
        msg = f'"{value}" is not an id; use small Latin letters, digits, - and _ (label is free)'
        raise ValueError(msg)
    return value


Id = Annotated[str, StringConstraints(pattern=_ID, max_length=60), BeforeValidator(_read_id)]
"""An immutable id: small Latin letters, digits, ``-`` and ``_``. Labels are free."""


def _read_label(value: object) -> object:
    if isinstance(value, (int, float)):
        msg = f"{value} is a number; put text in quotes"
        raise ValueError(msg)
    return {"en": value} if isinstance(value, str) else value


Language = Annotated[str, StringConstraints(pattern=_LANGUAGE)]
Label = Annotated[
    Mapping[Language, str],
    BeforeValidator(_read_label, json_schema_input_type=str | Mapping[Language, str]),
    Field(examples=["Demo", {"en": "Demo", "uk": "Демо", "ru": "Демонстрация"}]),
]
"""A text by language (``{en: Demo, uk: Демо}``); a bare text counts as English."""


def _read_share(value: object) -> object:
    if not isinstance(value, (str, bool)):
        return value
    text = str(value).strip()
    try:
        number = float(text.removesuffix("%").replace(",", "."))
    except ValueError:
        msg = f'"{value}" is not a share; write 0.42 or 42 %'
        raise ValueError(msg) from None
    return number / 100 if text.endswith("%") else number


_SharePercent = Annotated[str, StringConstraints(pattern=r"^\s*\d+([.,]\d+)?\s*%\s*$")]
_ShareNumber = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[
    float, BeforeValidator(_read_share, json_schema_input_type=_ShareNumber | _SharePercent)
]
"""A probability or share: ``0.42`` or ``42 %``."""


def label_text(label: Mapping[str, str], lang: str, fallback: str) -> str:
    """The text in ``lang``, else English, else any language, else the fallback.

    Examples
    --------
    >>> label_text({"en": "Demo", "uk": "Демо"}, "uk", "demo")
    'Демо'
    """
    return label.get(lang) or label.get("en") or next(iter(label.values()), fallback)
