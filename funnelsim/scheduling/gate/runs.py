"""Whether the notebook ran: every cell, in order, unchanged, with the parameters told."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim.errors import InputError
from funnelsim.reporting.inputs import fingerprint
from funnelsim.reporting.notebooks import injected
from funnelsim.reporting.reports import kinds
from funnelsim.scheduling.gate.drafts import Draft

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["finished", "same_code", "same_parameters"]


def finished(draft: Draft) -> Iterator[str]:
    """Every code cell ran, one after another, without an error."""
    cells = _code(draft.notebook)
    expected = 0
    for number, cell in enumerate(cells, 1):
        failed = [output for output in cell.outputs if output.output_type == "error"]
        if failed:
            yield f"Cell {number} of the notebook failed: {failed[0].ename}."
        if cell.source.strip():
            expected += 1
            if cell.execution_count != expected:
                yield f"Cell {number} of the notebook did not run, or not in its turn."
                expected = cell.execution_count or expected
    if len(draft.shown) != draft.manifest.run.cells:
        yield (
            f"The notebook has {len(draft.shown)} cells; the run had {draft.manifest.run.cells}."
        )


def same_code(draft: Draft) -> Iterator[str]:
    """The notebook is the one that funnelsim brings for this kind of report."""
    kind = draft.manifest.kind
    path = kinds().get(kind)
    if path is None:
        yield f'There is no report "{kind}".'
        return
    if draft.manifest.notebook.sha256 != fingerprint(path):
        yield f"The run used another {path.name} than the one that is installed."
    own = [cell.source.strip() for cell in _code(_shipped(path)) if cell.source.strip()]
    ran = [cell.code for cell, _ in draft.shown if cell.code]
    if own != ran:
        missing = [code for code in own if code not in ran]
        told = f" (missing: {missing[0].splitlines()[-1]})" if missing else ""
        yield f"The cells that ran are not those of {path.name}{told}."


def same_parameters(draft: Draft) -> Iterator[str]:
    """What the notebook was given is what the manifest says."""
    given = [cell for cell in _code(draft.notebook) if injected(cell)]
    if len(given) != 1:
        yield "The notebook does not say which parameters it ran with."
        return
    try:
        ran = _assigned(given[0].source)
    except (SyntaxError, ValueError):
        yield "The notebook's parameters cannot be read."
        return
    noted = draft.notebook.metadata.get("funnelsim", {}).get("parameters", {})
    if ran != noted:
        yield "The notebook's record of its parameters is not what it ran with."
    told = draft.manifest
    wanted: dict[str, Any] = {"seed": told.seed, "lang": told.lang, **told.options}
    wanted |= {} if told.n is None else {"n": told.n}
    wanted |= {"overrides": dict(told.overrides)} if told.overrides or "overrides" in ran else {}
    for name, value in wanted.items():
        if name in ran and ran[name] != value:
            yield f"The manifest says {name} = {value!r}, the notebook ran with {ran[name]!r}."
        elif name not in ran and name in told.options:
            yield f"The notebook ran without {name} = {value!r}, which the manifest tells."
    if Path(str(ran.get("source", ""))).name != told.input.name:
        yield f"The notebook did not read {told.input.name}, which the manifest tells."


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
