"""Run a parameterised notebook and believe it only when it really finished.

papermill calls a notebook whose kernel died *completed*, warns about unknown
parameters and writes as it goes. Here parameters are checked before a kernel
starts, and a run counts when every code cell ran without an error and the
final ``end`` block is there.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim.documents import did_you_mean
from funnelsim.errors import InputError, ParameterError, Problem, RunError
from funnelsim.messages import Message
from funnelsim.reporting.blocks import read
from funnelsim.reporting.document import AnyBlock, End

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Cell", "Run", "check_parameters", "declared", "execute", "injected", "shown_by"]

TYPES: Mapping[str, type] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "dict": dict,
    "list": list,
}
# What a notebook must not tell: times and temporary paths differ from run to run.
INPUT = {"InputError"} | {kind.__name__ for kind in InputError.__subclasses__()}
"""What a cell raises where the input, not the notebook, is wrong."""
RESTLESS = ("papermill", "execution", "widgets")


@dataclass(frozen=True)
class Run:
    """A notebook that ran to its end.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        The executed copy, without clock times and temporary paths.
    blocks : tuple of Block
        What it showed, in order, the final ``end`` included.
    """

    notebook: NotebookNode
    blocks: tuple[AnyBlock, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """For each block, the code cell that showed it."""
        return tuple(cell for cell, shown in shown_by(self.notebook) for _ in shown)


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell: its number, as the author counts them, and what it says."""

    number: int
    code: str


def shown_by(notebook: NotebookNode) -> list[tuple[Cell, list[AnyBlock]]]:
    """List the code cells of an executed notebook with the blocks that each showed.

    Parameters
    ----------
    notebook : nbformat.NotebookNode

    Returns
    -------
    list of (Cell, list of Block)
        Without the cell that papermill put in.
    """
    own = [cell for cell in notebook.cells if cell.cell_type == "code" and not injected(cell)]
    return [
        (Cell(number, cell.source.strip()), read(cell.outputs))
        for number, cell in enumerate(own, 1)
    ]


def injected(cell: NotebookNode) -> bool:
    """Whether papermill put a cell in, to hold the parameters."""
    return "injected-parameters" in cell.metadata.get("tags", [])


def check_parameters(notebook: Path, parameters: Mapping[str, Any]) -> None:
    """Compare parameters with the notebook's cell tagged ``parameters``.

    Parameters
    ----------
    notebook : Path
        Its parameters cell reads ``name: type = default`` line by line.
    parameters : mapping
        Values by name.

    Raises
    ------
    ParameterError
        Naming every parameter that is unknown or of the wrong type.

    Examples
    --------
    >>> from funnelsim.shipped import notebooks
    >>> check_parameters(notebooks() / "funnel_review.ipynb", {"seed": 7, "lang": "uk"})
    """
    known = declared(notebook)
    problems = [
        problem
        for name, value in parameters.items()
        if (problem := _mismatch(name, value, known, str(notebook)))
    ]
    if problems:
        raise ParameterError(problems)


def execute(
    notebook: Path,
    parameters: Mapping[str, Any],
    *,
    timeout: int = 1800,
    progress: bool | None = None,
) -> Run:
    """Run a notebook in a fresh kernel of this very Python.

    Parameters
    ----------
    notebook : Path
        With a cell tagged ``parameters`` and an ``end`` block at its end.
    parameters : mapping
        Values by name: text, numbers, booleans, lists and mappings of these.
    timeout : int
        Seconds a single cell may take.
    progress : bool, optional
        Show a progress bar; by default only when a person looks at the terminal.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        Parameters, before a kernel starts; whatever a cell finds wrong with the input.
    RunError
        A cell failed, took too long, the kernel died, or the notebook has no end.
    """
    check_parameters(notebook, parameters)
    show = sys.stderr.isatty() if progress is None else progress
    with tempfile.TemporaryDirectory(prefix="funnelsim-run-") as scratch:
        executed = _run(notebook, dict(parameters), Path(scratch), timeout=timeout, progress=show)
        blocks = _finished(executed, Path(scratch) / notebook.name)
    return Run(_settled(executed, parameters), blocks)


def declared(notebook: Path) -> dict[str, dict[str, str]]:
    """Name → type and default of every parameter the notebook declares.

    Examples
    --------
    >>> from funnelsim.shipped import notebooks
    >>> sorted(declared(notebooks() / "funnel_review.ipynb"))
    ['lang', 'mapping', 'overrides', 'seed', 'source']
    """
    import papermill

    if not notebook.is_file():
        raise ParameterError(Problem(f"there is no notebook {notebook}", path="kind"))
    found: dict[str, dict[str, str]] = papermill.inspect_notebook(notebook)
    return found


def _mismatch(
    name: str, value: object, known: Mapping[str, Mapping[str, str]], where: str
) -> Problem | None:
    """What is wrong with one parameter, if anything."""
    if name not in known:
        return Problem("unknown parameter", where, name, did_you_mean(name, known))
    wanted = TYPES.get(known[name]["inferred_type_name"])
    if wanted is None:
        return Problem(
            "its type is not declared in the notebook", where, name, f"Write {name}: int = …"
        )
    whole_for_float = wanted is float and type(value) is int
    if type(value) is wanted or whole_for_float:
        return None
    return Problem(
        f"{value!r} is {type(value).__name__}, not {wanted.__name__}",
        where,
        name,
        f"The default is {known[name]['default']}",
    )


def _run(
    notebook: Path, parameters: dict[str, Any], scratch: Path, *, timeout: int, progress: bool
) -> NotebookNode:
    """Let papermill run the notebook; translate what can go wrong."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    written = scratch / notebook.name
    with _quiet("papermill", "asyncio"):
        try:
            executed: NotebookNode | None = papermill.execute_notebook(
                notebook,
                written,
                parameters,
                kernel_name="python3",
                kernel_manager_class=_kernel_manager(scratch),
                shutdown_kernel="immediate",
                progress_bar=progress,
                execution_timeout=timeout,
            )
        except PapermillExecutionError as error:
            if error.ename in INPUT:  # for whoever gave the input, not for the notebook's author
                raise InputError(Problem(line) for line in error.evalue.splitlines()) from error
            last = f"{error.ename}: {error.evalue}".strip().rpartition("\n")[2]
            raise RunError(
                Message("{place}: {error}", place=_place(written), error=last)
            ) from error
        except CellTimeoutError as error:
            late = Message("{place} took longer than {n} s", place=_place(written), n=timeout)
            raise RunError(late) from error
        except DeadKernelError as error:
            dead = Message("{place}: the kernel died (out of memory?)", place=_place(written))
            raise RunError(dead) from error
        except RuntimeError as error:  # as jupyter_client says that there is no kernel at all
            raise RunError(f"{notebook.name}: the kernel did not start ({error})") from error
        except KeyboardInterrupt:
            executed = None
        if executed is None:
            # What asyncio has to say about the task cut short, it says while it is quiet.
            gc.collect()
            raise KeyboardInterrupt
    return executed


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Loggers that say nothing for a while: what goes wrong is raised."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _kernel_manager(scratch: Path) -> type:
    """A kernel manager that starts this very Python with this funnelsim.

    Whatever kernels are installed; and without the user's IPython start-up files.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec

    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "IPYTHONDIR": str(scratch / "ipython")}

    class ThisPython(AsyncKernelManager):
        """Starts ``sys.executable``; what the process itself says goes to a file."""

        @property
        def kernel_spec(self) -> KernelSpec:
            """The one kernel there is."""
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=command, display_name="Python 3", language="python")

        async def _async_start_kernel(self, **options: object) -> None:
            options["env"] = environment
            with (scratch / "kernel.txt").open("ab") as stream:
                await super()._async_start_kernel(**options, stdout=stream, stderr=stream)

        start_kernel = _async_start_kernel

    return ThisPython


def _place(written: Path) -> str:
    """The code cell a broken run stopped in, as the author counts cells, with its first line."""
    import nbformat

    cells = nbformat.read(written, as_version=4).cells
    own = [cell for cell in cells if cell.cell_type == "code" and not injected(cell)]
    # papermill calls even the cells it never came to completed; but they never started.
    begun = [cell for cell in own if cell.metadata["papermill"]["start_time"]]
    if not begun:
        return written.name
    line = next(iter(begun[-1].source.strip().splitlines()), "")
    return Message("{file}, code cell {n} ({line})", file=written.name, n=len(begun), line=line)


def _error(cell: NotebookNode) -> str | None:
    """The last line of a cell's error, if it has one."""
    for output in cell.outputs:
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue}".strip().rpartition("\n")[2]
    return None


def _finished(executed: NotebookNode, written: Path) -> tuple[AnyBlock, ...]:
    """The blocks of a run that is whole; an error for one that is not."""
    cells = [cell for cell in executed.cells if cell.cell_type == "code"]
    for cell in cells:
        if (error := _error(cell)) is not None:
            raise RunError(Message("{place}: {error}", place=_place(written), error=error))
        if cell.execution_count is None and cell.source.strip():
            dead = Message("{place} did not run to its end: the kernel died", place=_place(written))
            raise RunError(dead)
    blocks = tuple(block for cell in cells for block in read(cell.outputs))
    if not blocks or not isinstance(blocks[-1], End):
        raise RunError(f"{written.name} has no end: its last cell must be fs.blocks.end()")
    return blocks


def _settled(executed: NotebookNode, parameters: Mapping[str, Any]) -> NotebookNode:
    """The executed notebook without what differs from run to run."""
    for part in (executed, *executed.cells):
        for key in RESTLESS:
            part.metadata.pop(key, None)
    for index, cell in enumerate(executed.cells):
        cell["id"] = f"cell-{index}"
    executed.metadata["funnelsim"] = {"parameters": dict(parameters)}
    return executed
