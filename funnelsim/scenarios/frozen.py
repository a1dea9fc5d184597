"""What all parts of a scenario share: immutable, unknown keys refused, ids, labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

__all__ = ["Frozen", "Id", "Label", "Share", "label_text"]


class Frozen(BaseModel):
    """An immutable part of a scenario; a field's docstring is its schema text."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
"""An immutable id: small Latin letters, digits, ``-`` and ``_``. Labels are free."""


def _read_label(value: object) -> object:
    return {"en": value} if isinstance(value, str) else value


Label = Annotated[Mapping[str, str], BeforeValidator(_read_label, json_schema_input_type=Any)]
"""A text by language (``{en: Demo, uk: Демо}``); a bare text counts as English."""


def _read_share(value: object) -> object:
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1]) / 100
        except ValueError:
            msg = f"{value!r} is not a share; write 0.42 or 42 %"
            raise ValueError(msg) from None
    return value


Share = Annotated[float, BeforeValidator(_read_share, json_schema_input_type=float | str)]
"""A probability or share: ``0.42`` or ``42 %``."""


def label_text(label: Mapping[str, str], lang: str, fallback: str) -> str:
    """The text in ``lang``, else English, else any language, else the fallback.

    Examples
    --------
    >>> label_text({"en": "Demo", "uk": "Демо"}, "uk", "demo")
    'Демо'
    """
    return label.get(lang) or label.get("en") or next(iter(label.values()), fallback)
