"""A folder to work in: a scenario to start from, the notebooks, a place for reports."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from funnelsim import shipped
from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem

__all__ = ["make_workspace", "templates"]

_README = """# {name}

| what | where |
|---|---|
| your funnel, to be edited | `{scenario}` |
| what your editor needs to complete and check it | `scenario.schema.json` |
| the notebooks that reports are made from | `notebooks/` |
| finished reports | `reports/` |

Next steps, in this folder:

```sh
funnelsim check {scenario}     # finds mistakes, says which team has too much to do
funnelsim measures {scenario}  # conversions, waits, utilisation as tables
funnelsim report {scenario} --kind funnel-review --out reports/
```

The numbers in `{scenario}` are made up. Put in your own, then delete the line
`illustrative: true`: until then every report carries a watermark.

VS Code with the YAML extension completes and checks the file while you type.
"""


def templates() -> list[str]:
    """The scenarios one can start from.

    Examples
    --------
    >>> templates()[:3]
    ['apartment-doors', 'bank-corporate', 'bank-retail']
    """
    from funnelsim.documents import load_document
    from funnelsim.errors import InputError

    found = []
    for path in sorted(shipped.scenarios().glob("*.yaml")):
        try:
            data = load_document(path).data
        except InputError:
            continue
        if {"stages", "sources"} <= set(data):
            found.append(path.stem)
    return found


def make_workspace(folder: Path, template: str) -> Path:
    """Make a workspace, whole or not at all.

    Parameters
    ----------
    folder : Path
        New or empty.
    template : str
        One of `templates`.

    Returns
    -------
    Path
        The scenario to edit.

    Raises
    ------
    ParameterError
        The template is unknown, or the folder holds something or cannot be made.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as place:
    ...     make_workspace(Path(place) / "ours", "bank-retail").name
    'bank-retail.yaml'
    """
    known = templates()
    if template not in known:
        fix = did_you_mean(template, known)
        raise ParameterError(Problem(f'there is no scenario "{template}"', "--from", fix=fix))
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        what = "is a file" if folder.is_file() else "is not empty"
        fix = "Choose a new folder; nothing is ever overwritten."
        raise ParameterError(Problem(what, str(folder), fix=fix))
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.absolute().parent) as scratch:
            inside = Path(scratch) / "workspace"
            _fill(inside, folder.absolute().name, template)
            inside.rename(folder)
    except OSError as failed:
        raise ParameterError(
            Problem(f"cannot be made ({failed.strerror})", str(folder), fix="Choose another place.")
        ) from None
    return folder / f"{template}.yaml"


def _fill(folder: Path, name: str, template: str) -> None:
    """Put everything into a folder nobody looks at yet."""
    from funnelsim.scenarios.schema import schema

    folder.mkdir()
    (folder / "reports").mkdir()
    (folder / "notebooks").mkdir()
    for notebook in sorted(shipped.notebooks().glob("*.ipynb")):
        shutil.copy(notebook, folder / "notebooks")
    scenario = f"{template}.yaml"
    text = (shipped.scenarios() / scenario).read_text("utf-8")
    first, rest = text.split("\n", 1)
    modeline = "# yaml-language-server: $schema=scenario.schema.json"
    (folder / scenario).write_text(f"{first}\n{modeline}\n{rest}", "utf-8")
    text = json.dumps(schema(), ensure_ascii=False, indent=2)
    (folder / "scenario.schema.json").write_text(text + "\n", "utf-8")
    (folder / "README.md").write_text(_README.format(name=name, scenario=scenario), "utf-8")
