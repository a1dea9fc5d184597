"""The whole job: input → notebook → PDF, executed copy and manifest, all or nothing."""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from funnelsim import shipped
from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem
from funnelsim.reporting.blocks import plain
from funnelsim.reporting.document import AnyBlock, Attachment, Cover, Summary
from funnelsim.reporting.inputs import (
    check_data,
    check_experiment,
    check_input,
    check_readable,
    fingerprint,
    titled,
)
from funnelsim.reporting.notebooks import (
    Cell,
    Run,
    check_parameters,
    declared,
    execute,
    shown_by,
)
from funnelsim.reporting.pdf import render
from funnelsim.reporting.texts import texts
from funnelsim.reporting.tidy import tidy_csv, tidy_parquet
from funnelsim.reporting.trail import listed, printed
from funnelsim.reporting.workbook import workbook

__all__ = ["Report", "kinds", "products", "report", "workplace"]

PARTS = ("numpy", "pandas", "scipy", "statsmodels", "simpy", "matplotlib", "papermill", "typst")
USUAL = "funnel-review"
MANIFEST = ".manifest.json"
NEEDS_SCENARIO = ("what-if", "levers")
NEEDS_DATA = "calibration"
DATA_ONLY = (NEEDS_DATA, "sales-forecast")


@dataclass(frozen=True, slots=True)
class Report:
    """Where a finished report lies and what it says first.

    Parameters
    ----------
    pdf, notebook, manifest : Path
        The report, the executed notebook, and where both came from.
    sentences : tuple of str
        The answer, as on page 1.
    """

    pdf: Path
    notebook: Path
    manifest: Path
    sentences: tuple[str, ...]

    @property
    def brief(self) -> tuple[str, ...]:
        """At most three sentences: what comes out, where it is lost, and what limits it."""
        return (*self.sentences[:2], *self.sentences[2:][-1:])


def kinds() -> dict[str, Path]:
    """Return the kinds of report and their notebooks.

    Returns
    -------
    dict of str to Path

    Examples
    --------
    >>> "funnel-review" in kinds()
    True
    """
    return {
        path.stem.replace("_", "-"): path for path in sorted(shipped.notebooks().glob("*.ipynb"))
    }


def report(  # noqa: PLR0913 - one keyword per thing a planner may choose
    source: str | Path,
    *,
    kind: str = USUAL,
    lang: str = "en",
    out: str | Path = "reports",
    mapping: str | Path = "",
    seed: int = 1,
    n: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    name: str = "",
    timeout: int = 1800,
    progress: bool | None = None,
) -> Report:
    """Make a report: ``NAME.pdf``, and all that belongs to it.

    Beside it stand ``NAME.xlsx`` (its numbers for Excel), ``NAME.tables.csv`` (the same, tidy,
    for other programs; where pyarrow is installed also ``NAME.tables.parquet``), ``NAME.ipynb``
    (the notebook as it ran) and ``NAME.manifest.json`` (where everything comes from). All appear
    together when everything went well; when anything fails, an earlier report under the same name
    stays as it was.

    Parameters
    ----------
    source : str or Path
        A scenario, a folder with an event log, or a raw export.
    kind : str
        Which report; see `kinds`.
    lang : {"en", "uk", "ru", "nl"}
        Its language.
    out : str or Path
        The folder to write to; made if missing.
    mapping : str or Path
        For a raw export: what its columns mean.
    seed : int
        For a scenario: the same seed gives the same bytes.
    n : int, optional
        Replications: of each variant, for what-ifs and levers; of the check, for a
        calibration.
    overrides : mapping, optional
        For a scenario: dotted path → value.
    options : mapping, optional
        Further parameters of the kind's notebook, ``{"half_life": "90 d"}``.
    name : str
        Of the files; by default the input's, with the kind unless it is a funnel review, and
        the language unless English.
    timeout : int
        Seconds a single notebook cell may take.
    progress : bool, optional
        Show a progress bar; by default only on a terminal.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        Something given is wrong; nothing was started.
    RunError
        The notebook or the PDF failed.

    Examples
    --------
    >>> report("deals.csv", kind="funel-review")
    Traceback (most recent call last):
    funnelsim.errors.ParameterError: kind: there is no report "funel-review". Did you mean
    "funnel-review"?
    """
    notebook = _notebook(kind)
    texts(lang)
    check_input(source, mapping=mapping, overrides=overrides or {})
    parameters = _parameters(
        notebook,
        {
            "source": str(Path(source).resolve()),
            "mapping": str(Path(mapping).resolve()) if mapping else "",
            "lang": lang,
            "seed": seed,
            "n": n,
            "overrides": dict(overrides or {}),
            "live": False,
            **(options or {}),
        },
    )
    check_readable(source, mapping=mapping)
    if kind in DATA_ONLY:
        check_data(source)
    if kind in NEEDS_SCENARIO:
        check_experiment(source, kind, overrides)
    stem = name or _stem(Path(source), kind, lang)
    origin = {
        "kind": kind,
        "lang": lang,
        "command": _command(source, kind, lang, mapping, seed, n),
        "input": _origin(source),
        "mapping": _origin(mapping) if mapping else None,
        "overrides": dict(overrides or {}),
        **({"options": dict(options)} if options else {}),
        "seed": seed,
        **({"n": n} if n is not None else {}),
        "notebook": _origin(notebook),
    }
    with workplace(Path(out)) as scratch:
        began = time.time()
        run = execute(notebook, parameters, timeout=timeout, progress=progress)
        files = _written(run, scratch, stem, origin, began)
        for file in files:
            file.replace(Path(out) / file.name)
    pdf, executed, manifest = (Path(out) / f"{stem}{end}" for end in (".pdf", ".ipynb", MANIFEST))
    return Report(pdf, executed, manifest, _sentences(run.blocks))


def _notebook(kind: str) -> Path:
    """The notebook of a kind."""
    known = kinds()
    if kind not in known:
        problem = Problem(
            f'there is no report "{kind}"', path="kind", fix=did_you_mean(kind, known)
        )
        raise ParameterError(problem)
    return known[kind]


def _parameters(notebook: Path, offered: Mapping[str, Any]) -> dict[str, Any]:
    """Those that the notebook takes; what was given and it does not take is an error."""
    known = declared(notebook)
    taken = {name: value for name, value in offered.items() if name in known and value is not None}
    asked = {name: value for name, value in offered.items() if name != "live" and value}
    check_parameters(notebook, {**asked, **taken})
    return taken


def _stem(source: Path, kind: str, lang: str) -> str:
    """The name of the files: the input's, with kind and language unless they are the usual."""
    stem = titled(source.resolve())
    stem = stem if kind == USUAL else f"{stem}.{kind}"
    return stem if lang == "en" else f"{stem}.{lang}"


def _origin(path: str | Path) -> dict[str, str]:
    """A file's name and content; where it lies on this machine does not matter."""
    return {"name": Path(path).resolve().name, "sha256": fingerprint(path)}


def _command(
    source: str | Path, kind: str, lang: str, mapping: str | Path, seed: int, n: int | None
) -> str:
    """The command line that makes the same report."""
    words = ["funnelsim", "report", str(source), "--kind", kind, "--lang", lang]
    words += ["--mapping", str(mapping)] if mapping else []
    words += ["--n", str(n)] if n is not None else []
    return shlex.join([*words, "--seed", str(seed)])


@contextmanager
def workplace(out: Path) -> Iterator[Path]:
    """A folder beside the results, on the same disk, gone in the end."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        place = tempfile.TemporaryDirectory(prefix=".funnelsim-", dir=out)
    except OSError as error:
        message = f"cannot write to {out}: {error.strerror}"
        fix = "Choose another folder, or ask for permission."
        raise ParameterError(Problem(message, path="out", fix=fix)) from error
    with place as name:
        yield Path(name)


def _written(
    run: Run, scratch: Path, stem: str, origin: Mapping[str, Any], began: float
) -> Sequence[Path]:
    """The files, complete, in a folder nobody looks at yet."""
    import nbformat

    notebook_file = scratch / f"{stem}.ipynb"
    nbformat.write(run.notebook, notebook_file)
    files = [notebook_file]
    for ending, content in products(run.blocks, run.cells, origin).items():
        files.append(scratch / f"{stem}{ending}")
        files[-1].write_bytes(content)
    manifest_file = scratch / f"{stem}{MANIFEST}"
    cover = run.blocks[0]
    assert isinstance(cover, Cover)  # noqa: S101 - else there would be no PDF
    manifest = {
        "format_version": 1,
        **origin,
        **{name: getattr(cover, name) for name in ("title", "kicker", "period")},
        "as_of": cover.as_of.isoformat(),
        "sentences": _sentences(run.blocks),
        "outputs": {file.name: _sha256(file) for file in files},
        "run": {"state": "finished", "cells": len(shown_by(run.notebook))},
        "blocks": listed(run.blocks, run.cells),
        "versions": {
            "funnelsim": version("funnelsim"),
            "python": platform.python_version(),
            **{part: version(part) for part in PARTS},
        },
        # The only part that differs between two runs of the same input.
        "clock": {
            "began": datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds"),
            "seconds": round(time.time() - began, 1),
        },
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    manifest_file.write_text(text, encoding="utf-8")
    return *files, manifest_file


def products(
    blocks: Sequence[AnyBlock], cells: Sequence[Cell], origin: Mapping[str, Any]
) -> dict[str, bytes]:
    """Make all that is made from a run's blocks.

    Parameters
    ----------
    blocks, cells
        Of the executed notebook: `Run.blocks` and `Run.cells`.
    origin : mapping
        As in the manifest: ``input``, ``seed``, ``notebook``, ``lang``.

    Returns
    -------
    dict of str to bytes
        Ending → content: the PDF, the Excel workbook, all tables as one tidy table (CSV, and
        Parquet where pyarrow is installed), and what cells attached. The same for the same run
        and the same versions.
    """
    mark = f"funnelsim {version('funnelsim')} · {origin['input']['name']} · "
    t = texts(origin["lang"])
    shown = printed(blocks, cells, origin, t)
    return {
        ".pdf": render(shown, origin=mark + origin["input"]["sha256"][:12]),
        ".xlsx": workbook(shown, t),
        ".tables.csv": tidy_csv(blocks),
        **({".tables.parquet": tidy_parquet(blocks)} if find_spec("pyarrow") else {}),
        **{
            f".{block.name}": block.content.encode()
            for block in blocks
            if isinstance(block, Attachment)
        },
    }


def _sha256(file: Path) -> str:
    """A file's fingerprint."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _sentences(blocks: Sequence[AnyBlock]) -> tuple[str, ...]:
    """The answer on page 1, as plain text."""
    return tuple(
        plain(sentence)
        for block in blocks
        if isinstance(block, Summary)
        for sentence in block.sentences
    )
