"""Whether the notebook ran: every cell, in order, unchanged, with the parameters told."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim.errors import InputError
from funnelsim.messages import Message
from funnelsim.reporting.inputs import fingerprint
from funnelsim.reporting.notebooks import injected
from funnelsim.reporting.reports import kinds
from funnelsim.scheduling.gate.drafts import Draft

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["finished", "same_code", "same_parameters"]


def finished(draft: Draft) -> Iterator[Message]:
    """Every code cell ran, one after another, without an error."""
    cells = _code(draft.notebook)
    expected = 0
    for number, cell in enumerate(cells, 1):
        failed = [output for output in cell.outputs if output.output_type == "error"]
        if failed:
            yield Message(
                "Cell {n} of the notebook failed: {error}.", n=number, error=failed[0].ename
            )
        if cell.source.strip():
            expected += 1
            if cell.execution_count != expected:
                yield Message("Cell {n} of the notebook did not run, or not in its turn.", n=number)
                expected = cell.execution_count or expected
    if len(draft.shown) != draft.manifest.run.cells:
        yield Message(
            "Cells in the notebook: {there}; cells that the run had: {ran}.",
            there=len(draft.shown),
            ran=draft.manifest.run.cells,
        )


def same_code(draft: Draft) -> Iterator[Message]:
    """The notebook is the one that funnelsim brings for this kind of report."""
    kind = draft.manifest.kind
    path = kinds().get(kind)
    if path is None:
        yield Message("There is no report “{kind}”.", kind=kind)
        return
    if draft.manifest.notebook.sha256 != fingerprint(path):
        yield Message("The run used another {file} than the one that is installed.", file=path.name)
    own = [cell.source.strip() for cell in _code(_shipped(path)) if cell.source.strip()]
    ran = [cell.code for cell, _ in draft.shown if cell.code]
    if own != ran:
        missing = [code for code in own if code not in ran]
        yield (
            Message(
                "The cells that ran are not those of {file} (missing: {code}).",
                file=path.name,
                code=missing[0].splitlines()[-1],
            )
            if missing
            else Message("The cells that ran are not those of {file}.", file=path.name)
        )


def same_parameters(draft: Draft) -> Iterator[Message]:
    """What the notebook was given is what the manifest says."""
    given = [cell for cell in _code(draft.notebook) if injected(cell)]
    if len(given) != 1:
        yield Message("The notebook does not say which parameters it ran with.")
        return
    try:
        ran = _assigned(given[0].source)
    except (SyntaxError, ValueError):
        yield Message("The notebook's parameters cannot be read.")
        return
    noted = draft.notebook.metadata.get("funnelsim", {}).get("parameters", {})
    if ran != noted:
        yield Message("The notebook's record of its parameters is not what it ran with.")
    told = draft.manifest
    wanted: dict[str, Any] = {"seed": told.seed, "lang": told.lang, **told.options}
    wanted |= {} if told.n is None else {"n": told.n}
    wanted |= {"overrides": dict(told.overrides)} if told.overrides or "overrides" in ran else {}
    for name, value in wanted.items():
        if name in ran and ran[name] != value:
            yield Message(
                "The manifest says {name} = {value}, the notebook ran with {other}.",
                name=name,
                value=repr(value),
                other=repr(ran[name]),
            )
        elif name not in ran and name in told.options:
            yield Message(
                "The notebook ran without {name} = {value}, which the manifest tells.",
                name=name,
                value=repr(value),
            )
    if Path(str(ran.get("source", ""))).name != told.input.name:
        yield Message(
            "The notebook did not read {file}, which the manifest tells.", file=told.input.name
        )


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _shipped(path: Path) -> NotebookNode:
    """A notebook that comes with funnelsim."""
    import nbformat

    if not path.is_file():
        raise InputError(f"{path} is missing")
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def _assigned(source: str) -> dict[str, Any]:
    """Name → value of a cell of plain assignments."""
    return {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
