"""A draft as it lies on the disk: manifest, PDF, executed notebook and its blocks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from funnelsim.errors import RunError
from funnelsim.messages import Message
from funnelsim.reporting.document import AnyBlock, Evidence, Section
from funnelsim.reporting.notebooks import Cell, shown_by

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Draft", "Manifest", "drafts"]

ENDING: Final = ".manifest.json"
Sha256 = Field(pattern=r"^[0-9a-f]{64}$")


class _Told(BaseModel):
    """A part of a manifest; what else it says is kept."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Origin(_Told):
    """A file by its name and content."""

    name: str = Field(min_length=1)
    sha256: str = Sha256


class Ran(_Told):
    """How the run ended."""

    state: Literal["finished"]
    cells: int = Field(ge=1)


class Listed(_Told):
    """A block, the cell that showed it, and its fingerprint."""

    kind: str
    cell: int
    sha256: str = Sha256


class Manifest(_Told):
    """What a report's manifest must say."""

    format_version: Literal[1]
    kind: str
    lang: str
    command: str = Field(min_length=1)
    input: Origin
    mapping: Origin | None
    overrides: Mapping[str, Any]
    seed: int
    n: int | None = None
    options: Mapping[str, Any] = {}
    notebook: Origin
    title: str = Field(min_length=1)
    as_of: date
    sentences: tuple[str, ...] = Field(min_length=1)
    outputs: Mapping[str, str]
    run: Ran
    blocks: tuple[Listed, ...] = Field(min_length=1)
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Draft:
    """One report of a draft folder.

    Parameters
    ----------
    folder : Path
    stem : str
        What the names of its files begin with.
    manifest : Manifest
    told : mapping
        The manifest as it was written.
    pdf : bytes
    notebook : nbformat.NotebookNode
    shown : list of (Cell, list of Block)
    """

    folder: Path
    stem: str
    manifest: Manifest
    told: Mapping[str, Any]
    pdf: bytes
    notebook: NotebookNode
    shown: list[tuple[Cell, list[AnyBlock]]]

    @cached_property
    def blocks(self) -> tuple[AnyBlock, ...]:
        """All blocks in order."""
        return tuple(block for _, shown in self.shown for block in shown)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """For each block, the cell that showed it."""
        return tuple(cell for cell, shown in self.shown for _ in shown)

    @cached_property
    def front(self) -> tuple[AnyBlock, ...]:
        """The blocks of page 1."""
        places = [i for i, block in enumerate(self.blocks) if isinstance(block, Section)]
        return self.blocks[: places[0]] if places else self.blocks

    @cached_property
    def evidence(self) -> Evidence | None:
        """What the run says about its numbers; None unless it says so once."""
        found = [block for block in self.blocks if isinstance(block, Evidence)]
        return found[0] if len(found) == 1 else None


def drafts(folder: Path) -> list[Draft]:
    """Read the reports of a folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Draft

    Raises
    ------
    RunError
        There is none, or one cannot be read.
    """
    files = sorted(folder.glob(f"*{ENDING}")) if folder.is_dir() else []
    if not files:
        missing = Message("There is no report in the draft folder: the manifest is missing.")
        raise RunError(missing)
    return [_read(file) for file in files]


def _read(file: Path) -> Draft:
    """One report; every way its files can be broken is a cause."""
    stem = file.name.removesuffix(ENDING)
    told = _json(file)
    try:
        manifest = Manifest.model_validate(told)
    except ValidationError as error:
        places = ", ".join(
            ".".join(str(part) for part in each["loc"]) or "all of it" for each in error.errors()
        )
        silent = Message(
            "The manifest {file} does not say what it must: {places}.",
            file=file.name,
            places=places,
        )
        raise RunError(silent) from None
    for name in {f"{stem}.pdf", f"{stem}.ipynb", *manifest.outputs}:
        _check_file(file.parent / name, manifest.outputs.get(name))
    notebook = _notebook(file.parent / f"{stem}.ipynb")
    pdf = (file.parent / f"{stem}.pdf").read_bytes()
    try:
        shown = shown_by(notebook)
    except (ValidationError, KeyError, AttributeError, TypeError) as error:
        broken = Message(
            "The notebook {file} holds a broken block: {error}.",
            file=f"{stem}.ipynb",
            error=_line(error),
        )
        raise RunError(broken) from None
    return Draft(file.parent, stem, manifest, told, pdf, notebook, shown)


def _json(file: Path) -> Mapping[str, Any]:
    """What a manifest says."""
    try:
        told = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise _unreadable(file, _line(error)) from None
    if not isinstance(told, dict):
        raise _unreadable(file, Message("it is no mapping"))
    return told


def _check_file(file: Path, wanted: str | None) -> None:
    """A file must be there, and be the one that the run wrote."""
    if "/" in file.name or not file.is_file():
        raise RunError(Message("{file} is missing.", file=file.name))
    if wanted is None:
        raise RunError(
            Message(
                "{file} is not in the manifest, so nobody knows what run it is of.", file=file.name
            )
        )
    if hashlib.sha256(file.read_bytes()).hexdigest() != wanted:
        raise RunError(
            Message("{file} is not the file that this run wrote (other SHA-256).", file=file.name)
        )


def _notebook(file: Path) -> NotebookNode:
    """The executed notebook."""
    import nbformat

    try:
        notebook: NotebookNode = nbformat.read(file, as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # noqa: BLE001 - nbformat and jsonschema raise all kinds
        broken = Message(
            "The notebook {file} cannot be read: {error}.", file=file.name, error=_line(error)
        )
        raise RunError(broken) from None
    return notebook


def _unreadable(file: Path, reason: str) -> RunError:
    """A manifest that cannot be read."""
    told = Message("The manifest {file} cannot be read: {error}.", file=file.name, error=reason)
    return RunError(told)


def _line(error: Exception) -> str:
    """The first line of an error."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:200].rstrip(".")
