"""The project's own promises: one source for each fact, a light import, a complete wheel."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
LOCKS = ("requirements.txt", "requirements-uv.txt")
HEAVY = {
    "IPython",
    "jupyterlab",
    "lifelines",
    "matplotlib",
    "nbformat",
    "numba",
    "papermill",
    "pyarrow",
    "scipy.stats",
    "seaborn",
    "statsmodels",
    "typst",
}


def python(
    *arguments: str | Path, cwd: Path = ROOT, path: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(path), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )


# --- one source for each fact -------------------------------------------------------------------


def test_environment_yml_follows_pyproject():
    done = python(".ci/environment.py", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stale_environment_yml_is_noticed(tmp_path):
    for name in (".ci/environment.py", "pyproject.toml", "environment.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        text = (ROOT / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace("simpy>=4.1", "simpy>=4.2"), "utf-8")
        if name == "environment.yml":
            (tmp_path / name).write_text(text, "utf-8")
    done = python(".ci/environment.py", "--check", cwd=tmp_path)
    assert done.returncode == 1
    assert "make lock" in done.stdout


def test_conda_names_differ_where_conda_forge_differs():
    text = (ROOT / "environment.yml").read_text("utf-8")
    names = re.findall(r"^  - ([\w.-]+)", text, re.MULTILINE)
    assert {"typst-py", "python-tzdata", "ruamel.yaml", "babel"} <= set(names)
    assert not {"typst", "tzdata", "Babel"} & set(names)


def test_the_version_stands_in_one_place():
    assert importlib.metadata.version("funnelsim") == PROJECT["version"]
    copies = [
        path.relative_to(ROOT)
        for path in (ROOT / "funnelsim").rglob("*.py")
        if re.search(rf"['\"]{re.escape(PROJECT['version'])}['\"]", path.read_text("utf-8"))
    ]
    assert copies == []


def test_the_changelog_starts_with_this_version_or_what_comes_next():
    headings = re.findall(
        r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    assert headings[0] in {"Unreleased", PROJECT["version"]}
    assert "### Results change" in (ROOT / "CHANGELOG.md").read_text("utf-8")


# --- what is installed --------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOCKS)
def test_locked_requirements_have_hashes_and_no_address(name):
    text = (ROOT / name).read_text("utf-8")
    assert not re.search(r"https?:|://|@ |--(extra-)?index|--find-links", text)
    requirements = re.split(r"\n(?=\S)", text.strip())
    bare = [each for each in requirements if "--hash=sha256:" not in each]
    assert bare == []
    loose = [each for each in requirements if not re.match(r"[\w.-]+==[\w.]+( ;.*)? \\\n", each)]
    assert loose == [], "each is one exact public version"


def test_the_lock_holds_every_declared_dependency():
    extras = PROJECT["optional-dependencies"]
    declared = [*PROJECT["dependencies"], *(each for group in extras.values() for each in group)]
    names = {normal(re.split(r"[<>=!\[]", each)[0]) for each in declared}
    locked = set(
        re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)
    )
    assert names - {"funnelsim"} <= locked


def test_every_package_imported_is_declared():
    """A package that another one happens to bring may be gone tomorrow."""
    declared = {
        normal(re.split(r"[<>=!]", each)[0])
        for each in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["parquet"]
    }
    distributions = importlib.metadata.packages_distributions()
    undeclared = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "funnelsim").rglob("*.py")
        for name in imported_names(path)
        if name not in sys.stdlib_module_names
        and name != "funnelsim"
        and not declared & {normal(each) for each in distributions.get(name, [])}
    }
    assert undeclared == set()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported_names(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize(
    ("interpreter", "said"),
    [("/nowhere/python", "is not a Python 3.11 or newer"), ("", "funnelsim needs Python 3.11")],
)
def test_set_up_without_a_python_says_what_to_do(tmp_path, interpreter, said):
    done = subprocess.run(
        ["/bin/sh", ".ci/set-up", tmp_path / "venv"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "PYTHON": interpreter},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "PYTHON=/path/to/python3.11" in done.stderr
    assert not (tmp_path / "venv").exists()


# --- what `import funnelsim` gives --------------------------------------------------------------


def test_all_names_what_is_public():
    funnelsim = importlib.import_module("funnelsim")
    plumbing = {"TYPE_CHECKING", "annotations", "import_module"}
    offered = set(funnelsim.__all__)
    assert [name for name in offered if not hasattr(funnelsim, name)] == []
    public = {
        name
        for name, value in vars(funnelsim).items()
        if not name.startswith("_")
        and name not in plumbing
        # a module of ours is there as soon as anything imported it; that offers it to nobody
        and not (isinstance(value, ModuleType) and value.__name__ == f"funnelsim.{name}")
    }
    assert public - offered == set()


def test_import_is_light():
    code = "import funnelsim, sys; print(*sys.modules, sep='\\n')"
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert HEAVY & set(done.stdout.split()) == set()


def test_help_is_light():
    code = (
        "import atexit, sys; from funnelsim.cli import main; sys.argv = ['funnelsim', '--help'];"
        "atexit.register(lambda: print(*sys.modules, sep='\\n', file=sys.stderr)); main()"
    )
    done = python("-c", code)
    assert "Usage" in done.stdout
    assert (HEAVY | {"pandas"}) & set(done.stderr.split()) == set()


def test_python_dash_m_is_the_command():
    command = python("-m", "funnelsim", "--help")
    assert command.returncode == 0, command.stderr
    assert "Usage" in command.stdout


# --- what the README promises -------------------------------------------------------------------


def test_make_targets_in_the_readme_exist_and_are_explained():
    readme = (ROOT / "README.md").read_text("utf-8")
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)\b", "\n".join(code_of(readme))))
    targets = re.findall(
        r"^([a-z-]+):.*## \S", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
    )
    assert {"demo", "test"} <= named <= set(targets)


def test_links_of_the_readme_lead_somewhere():
    readme = (ROOT / "README.md").read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+?)(?:#.*?)?\)", readme) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def code_of(markdown: str) -> list[str]:
    blocks = re.findall(r"^```.*?^```", markdown, re.MULTILINE | re.DOTALL)
    return blocks + re.findall(r"`([^`\n]+)`", markdown)


def test_the_picture_of_the_layers_is_the_contract():
    contract = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    names = [name for layer in contract for name in re.findall(r"\w+", layer)]
    block = re.search(
        r"```\n(.*?)```", (ROOT / "docs/architecture.md").read_text("utf-8"), re.DOTALL
    )
    assert block
    cells = [cell for line in block[1].splitlines() for cell in re.split(r"\s{2,}", line)]
    drawn = [cell for cell in cells if cell in names]
    assert drawn == [name for name in names if name in drawn]
    assert set(names) - set(drawn) == {"__main__"}


def test_the_index_of_decisions_is_complete():
    folder = ROOT / "docs/decisions"
    listed = re.findall(r"\]\(([\w-]+\.md)\)", (folder / "README.md").read_text("utf-8"))
    assert {path.name for path in folder.glob("*.md")} - {"README.md"} == set(listed)


# --- what the wheel carries ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    done = python("-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_is_complete(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    tracked = subprocess.run(
        ["git", "ls-files", "funnelsim"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(tracked) - names == set()
    for folder in ("notebooks", "scenarios"):
        shipped = {f"funnelsim/_shipped/{folder}/{path.name}" for path in files_in(ROOT / folder)}
        assert shipped
        assert shipped - names == set()


def test_nothing_else_rides_along(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "funnelsim",
        f"funnelsim-{PROJECT['version']}.dist-info",
    }
    assert [name for name in names if "__pycache__" in name or "checkpoint" in name] == []


def test_an_installed_wheel_finds_what_it_ships(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "from funnelsim.shipped import *; print(notebooks(), scenarios(), sep='\\n')"
    done = python("-c", code, cwd=tmp_path, path=tmp_path)
    assert done.returncode == 0, done.stderr
    folders = [Path(line) for line in done.stdout.splitlines()]
    assert all(folder.is_relative_to(tmp_path.resolve()) for folder in folders)
    for folder in folders:
        expected = {path.name for path in files_in(ROOT / folder.name)}
        assert {path.name for path in files_in(folder)} == expected


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]
