"""Running notebooks: what fails is never taken for done."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from funnelsim.errors import InputError, ParameterError, RunError
from funnelsim.reporting import kinds, screen
from funnelsim.reporting.notebooks import check_parameters, execute

ROOT = Path(__file__).resolve().parents[2]
PARAMETERS = """\
source: str = ""  # what to report on
seed: int = 1
rate: float = 0.5
quick: bool = False
overrides: dict = {}
unclear = 3"""
COVER = """\
from datetime import date
from funnelsim.reporting import blocks
blocks.cover("Review", lang="en", as_of=date(2026, 1, 1))"""


@pytest.fixture
def notebook(tmp_path):
    def make(*cells, kernel="python3"):
        path = tmp_path / "review.ipynb"
        kernelspec = {"name": kernel, "language": "python", "display_name": "x"}
        first = new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
        made = new_notebook(
            cells=[new_markdown_cell("# Review"), first, *map(new_code_cell, (COVER, *cells))],
            metadata={"kernelspec": kernelspec},
        )
        nbformat.write(made, path)
        return path

    return make


# --- parameters, before any kernel ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sede": 7}, r"sede: unknown parameter. Did you mean \"seed\"\?"),
        ({"seed": "7"}, r"seed: '7' is str, not int. The default is 1"),
        ({"seed": True}, "seed: True is bool, not int"),
        ({"quick": "true"}, "quick: 'true' is str, not bool"),
        ({"overrides": []}, r"overrides: \[\] is list, not dict"),
        ({"unclear": 3}, "unclear: its type is not declared in the notebook"),
    ],
)
def test_a_wrong_parameter_is_named_before_the_kernel_starts(notebook, parameters, message):
    path = notebook("raise SystemExit('the kernel started')")
    with pytest.raises(ParameterError, match=message):
        execute(path, parameters)


def test_all_wrong_parameters_are_named_at_once(notebook):
    with pytest.raises(ParameterError) as caught:
        check_parameters(notebook(), {"sede": 7, "seed": "7", "rate": None})
    assert len(caught.value.problems) == 3


def test_a_whole_number_is_a_fraction_too(notebook):
    check_parameters(notebook(), {"rate": 1, "quick": True, "seed": 7, "source": "x"})


def test_a_missing_notebook_is_a_clear_error(tmp_path):
    with pytest.raises(ParameterError, match="there is no notebook"):
        check_parameters(tmp_path / "nothing.ipynb", {})


# --- runs ---------------------------------------------------------------------------------------


def test_a_run_gives_its_blocks_and_a_copy_without_clock_or_temporary_paths(notebook):
    path = notebook("blocks.text(f'{seed} {overrides} {rate} {quick}')", "blocks.end()")
    parameters = {"seed": 7, "overrides": {"a.b": {"times": 1.1}}}
    run = execute(path, parameters)
    assert [block.kind for block in run.blocks] == ["cover", "text", "end"]
    assert screen.line(run.blocks[1]) == "7 {'a.b': {'times': 1.1}} 0.5 False"
    nbformat.validate(run.notebook)
    text = nbformat.writes(run.notebook)
    assert tempfile.gettempdir() not in text
    assert "start_time" not in text
    assert nbformat.writes(execute(path, parameters).notebook) == text


def test_the_kernel_is_this_python_with_this_funnelsim(notebook):
    path = notebook(
        "import sys, funnelsim\nblocks.text(sys.executable + '|' + funnelsim.__file__)",
        "blocks.end()",
        kernel="a-kernel-nobody-installed",
    )
    shown = screen.line(execute(path, {}).blocks[1])
    assert shown == f"{sys.executable}|{ROOT / 'funnelsim' / '__init__.py'}"


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("1 / 0", "blocks.end()"), r"code cell 3 \(1 / 0\): ZeroDivisionError: division by zero"),
        (("raise SystemExit(0)", "blocks.end()"), r"code cell 3 .*SystemExit: 0"),
        (
            ("import os\nos.kill(os.getpid(), 9)", "blocks.end()"),
            r"code cell 3 \(import os\): the kernel died",
        ),
        (("blocks.end()", "import os; os._exit(0)"), "code cell 4 .*: the kernel died"),
        (("1",), r"has no end: its last cell must be fs.blocks.end\(\)"),
        (("blocks.end()", "blocks.text('more')"), "has no end"),
    ],
    ids=["error", "exit", "killed", "killed after the end", "no end", "end in the middle"],
)
def test_a_run_that_did_not_finish_is_an_error(notebook, cells, message, capfd):
    with pytest.raises(RunError, match=message):
        execute(notebook(*cells), {})
    assert "Traceback" not in capfd.readouterr().err


def test_wrong_input_found_in_a_cell_is_told_whole_and_without_the_cell(notebook):
    told = ["plan.csv:3 plan: a plan of -5. Give 0 or more.", 'teams: there is no team "desk".']
    path = notebook(
        f"from funnelsim.errors import DataError, Problem\n"
        f"raise DataError([Problem(line) for line in {told!r}])",
        "blocks.end()",
    )
    with pytest.raises(InputError) as wrong:
        execute(path, {})
    assert [str(problem) for problem in wrong.value.problems] == told


def test_a_cell_that_takes_too_long_is_an_error(notebook):
    path = notebook("import time\ntime.sleep(60)", "blocks.end()")
    made = nbformat.read(path, as_version=4)
    del made.cells[2]  # its imports may take longer than the limit
    nbformat.write(made, path)
    with pytest.raises(RunError, match=r"code cell 2 \(import time\) took longer than 2 s"):
        execute(path, {}, timeout=2)


def test_an_interruption_ends_the_kernel_and_leaves_nothing(notebook, tmp_path):
    sign = tmp_path / "started"
    cell = f"import os, time\nopen({str(sign)!r}, 'w').write(str(os.getpid()))\ntime.sleep(120)"
    path = notebook(cell, "blocks.end()")
    code = f"""
import pathlib, signal
from funnelsim.reporting.notebooks import execute
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    execute(pathlib.Path({str(path)!r}), {{}})
except KeyboardInterrupt:
    raise SystemExit(130)
"""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(TMPDIR=str(scratch))
    )
    wait_for(lambda: sign.exists() and sign.read_text())
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    kernel = int(sign.read_text())
    wait_for(lambda: not alive(kernel))
    assert list(scratch.iterdir()) == []


def environment(**more):
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid):
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_kernel_that_does_not_start_is_told(monkeypatch):
    def dead(*_, **__):
        raise RuntimeError("Kernel died before replying to kernel_info")

    monkeypatch.setattr("papermill.execute_notebook", dead)
    with pytest.raises(RunError, match="did not start"):
        execute(kinds()["funnel-review"], {"lang": "uk"})
