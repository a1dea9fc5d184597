"""Bad input: a clear message that names the place, exit 2, nothing half-written."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from funnelsim.cli import main

GOOD = """\
funnelsim: 1
name: good
run: {start: 2026-03-02, horizon: 4 w, warm_up: 1 w}
teams:
  sales: {seats: 2}
sources:
  web: {stage: demo, rate: 5 / d}
stages:
  demo:
    delay_before: {median: 1 d, p90: 3 d}
    efforts: {call: {team: sales, duration: 40 min}}
    next: {advance: won, to: {won: 0.4, lost: 0.6}}
  won: {marks: won}
  lost: {marks: lost}
"""
VERBS = (("check",), ("simulate", "--out", "log"), ("measures",), ("report", "--out", "reports"))


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a verb on raw bytes; its code, messages and what it left behind."""
    monkeypatch.chdir(tmp_path)

    def do(raw, *words):
        (tmp_path / "bad.yaml").write_bytes(raw if isinstance(raw, bytes) else raw.encode())
        verb, *more = words or ("check",)
        with pytest.raises(SystemExit) as ended:
            main([verb, "bad.yaml", *more])
        printed = capsys.readouterr()
        left = sorted(path.name for path in tmp_path.iterdir())
        return ended.value.code, printed.err, [name for name in left if name != "bad.yaml"]

    return do


BAD = {
    "unknown key": (
        GOOD.replace("seats", "seets"),
        'bad.yaml:5:11 teams.sales.seets: unknown key "seets". Did you mean "seats"?',
    ),
    "missing stage": (
        GOOD.replace("lost: 0.6}", "lots: 0.6}"),
        ('bad.yaml:12:41 stages.demo.next.to.lots: there is no stage "lots". '
        'Did you mean "lost"?'),
    ),
    "missing section": (
        GOOD.partition("stages:")[0],
        "bad.yaml:1:1 stages: is missing.",
    ),
    "probabilities over 1": (
        GOOD.replace("won: 0.4", "won: 0.7"),
        ("bad.yaml:12:5 stages.demo.next: probabilities sum to 1.3 (won 0.7, lost 0.6); "
        "they must sum to 1"),
    ),
    "a probability over 1": (
        GOOD.replace("won: 0.4", "won: 140 %"),
        "probabilities lie between 0 and 1, got won 1.4",
    ),
    "negative delay": (
        GOOD.replace("median: 1 d", "median: -1 d"),
        ("bad.yaml:10:28 stages.demo.delay_before.median: '-1 d' is negative; "
        "a duration is 0 or more"),
    ),
    "unit missing": (
        GOOD.replace("40 min", "40"),
        ("bad.yaml:11:45 stages.demo.efforts.call.duration: 40 has no unit. Write a number and a "
        "unit: s, min, h, d, w (elapsed), bh, bd (business hours and days) or mo"),
    ),
    "a cycle without exit": (
        GOOD.replace("won: {marks: won}", "won: {marks: won, next: again}\n  again: {next: won}"),
        ("bad.yaml:13:21 stages.won.next: leads that enter won never get out: won, again lead only "
        "to each other. Give one of them a way to a stage without next, or a timeout."),
    ),
    "29 February": (
        GOOD.replace("2026-03-02", "2026-02-29"),
        ('bad.yaml:3:14 run.start: "2026-02-29" is not a day such as 2026-01-05 '
        "(day is out of range for month)"),
    ),
    "a bomb of aliases": (
        "funnelsim: 1\na: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "aliases (*) repeat too much text",
    ),
    "a Python object": (
        GOOD + "x: !!python/object/apply:os.system [touch hacked]\n",
        ("bad.yaml:15:4 x: the tag !!python/object/apply:os.system is not allowed. "
        "Files hold data only."),
    ),
    "cp1251": (
        GOOD.replace("name: good", "name: good\ntitle: Воронка").encode("cp1251"),
        "bad.yaml:3:8: is not UTF-8 text (byte 0xc2). Save it as UTF-8.",
    ),
    "UTF-16": (GOOD.encode("utf-16"), "bad.yaml:1:1: is UTF-16 text. Save it as UTF-8."),
    "empty": ("", "bad.yaml: is empty. It should begin with funnelsim: 1."),
    "only a comment": ("# later\n", "bad.yaml: is empty"),
    "a list": ("- funnelsim: 1\n", 'bad.yaml:1:1: must consist of "key: value" lines'),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x00", "bad.yaml:1:1: is not UTF-8 text (byte 0x89)"),
    "a duplicate key": (
        GOOD + "name: other\n",
        "bad.yaml:15:1 name: the key name is already given in line 2. Keep one of them.",
    ),
    "a tab": (
        GOOD.replace("  sales:", "\tsales:"),
        "bad.yaml:5:1: a tab where spaces belong. Indent with spaces.",
    ),
    "an open bracket": (
        GOOD.replace("seats: 2}", "seats: 2"),
        "The bracket opened in line 5 is not closed.",
    ),
    "no first line": (
        GOOD.replace("funnelsim: 1\n", ""),
        'bad.yaml:1:1: the first line must be "funnelsim: 1"',
    ),
    "a table": ("id;stage;date\n1;demo;2026-01-01\n", 'must consist of "key: value" lines'),
    "not a number": (
        GOOD.replace("won: 0.4", "won: .nan"),
        "bad.yaml:12:36 stages.demo.next.to.won: must be a finite number",
    ),
    "an endless rate": (
        GOOD.replace("5 / d", "1e999 / d"),
        "is not a rate",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_the_message_names_the_place(run, case):
    raw, message = BAD[case]
    code, err, left = run(raw)
    if case == "a cycle without exit":  # it can be read, so `check` lists it with its findings
        code, err, left = run(raw, "simulate", "--out", "log")
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert left == []


@pytest.mark.parametrize("words", VERBS, ids=lambda words: words[0])
@pytest.mark.parametrize("case", ["unknown key", "a cycle without exit", "cp1251", "empty"])
def test_every_verb_refuses_it_and_leaves_nothing(run, case, words):
    code, _, left = run(BAD[case][0], *words)
    assert code == 2
    assert left == []


def test_a_byte_order_mark_is_no_matter(run):
    assert run(GOOD.encode("utf-8-sig"))[0] == 0


def test_windows_line_ends_are_no_matter(run):
    assert run(GOOD.replace("\n", "\r\n"))[0] == 0


def test_problems_are_data_too(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text(BAD["unknown key"][0])
    with pytest.raises(SystemExit):
        main(["check", "bad.yaml", "--json"])
    out = capsys.readouterr().out
    assert '"where": "bad.yaml:5:11"' in out
    assert '"fix": "Did you mean \\"seats\\"?"' in out


@pytest.mark.parametrize(
    "words",
    [
        ("simulate", "bad.yaml", "--out", "file/log"),
        ("measures", "bad.yaml", "--out", "file/tables"),
        ("report", "bad.yaml", "--out", "file/reports"),
        ("schema", "--out", "file/schema.json"),
        ("new", "file/workspace"),
    ],
    ids=lambda words: words[0],
)
def test_a_folder_that_cannot_be_written_is_named(capsys, tmp_path, monkeypatch, words):
    """A file stands where a folder should: that stops even an administrator."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text(GOOD)
    (tmp_path / "file").write_text("precious")
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    err = capsys.readouterr().err
    assert ended.value.code == 2
    assert "file/" in err
    assert "Traceback" not in err
    assert (tmp_path / "file").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.yaml", "file"]


def test_a_mistake_of_ours_is_short_and_says_how_to_see_more(capsys, tmp_path, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("funnelsim.scenarios.capacity.offered_load", broken)
    (tmp_path / "good.yaml").write_text(GOOD)
    with pytest.raises(SystemExit) as ended:
        main(["check", "good.yaml"])
    err = capsys.readouterr().err
    assert ended.value.code == 1
    assert err.splitlines() == [
        "Something went wrong inside funnelsim (ZeroDivisionError: division by zero).",
        "For the details run it again with FUNNELSIM_DEBUG=1.",
    ]
    monkeypatch.setenv("FUNNELSIM_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["check", "good.yaml"])


def interrupted(tmp_path, *words):
    """Start a command, wait for its warning, press Ctrl-C."""
    (tmp_path / "busy.yaml").write_text(
        GOOD.replace("seats: 2", "seats: 1").replace("5 /", "400 /")
    )
    with subprocess.Popen(
        [sys.executable, "-m", "funnelsim", *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert "never settle" in process.stderr.readline()  # printed just before the work begins
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    return process.returncode, err


@pytest.mark.parametrize(
    "words",
    [
        ("simulate", "busy.yaml", "--set", "run.horizon=900 w", "--out", "log"),
        ("measures", "busy.yaml", "--set", "run.horizon=900 w", "--out", "tables"),
        ("report", "busy.yaml", "--out", "reports"),
    ],
    ids=lambda words: words[0],
)
def test_ctrl_c_stops_and_leaves_nothing_half_written(tmp_path, words):
    code, err = interrupted(tmp_path, *words)
    # Where Ctrl-C met the import of a C extension, Python itself ends by the signal, which a
    # shell shows as 130, too.
    assert code in {130, -signal.SIGINT}
    assert err.strip() == "Stopped. Nothing is left half-written."
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left <= {"busy.yaml", "reports"}


def test_ctrl_c_leaves_an_earlier_log_as_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    with pytest.raises(SystemExit):
        main(["simulate", "good.yaml", "--out", "log"])
    before = {path.name: path.read_bytes() for path in (tmp_path / "log").iterdir()}

    def press(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("funnelsim.engine.simulate", press)
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "good.yaml", "--seed", "2", "--out", "log"])
    assert ended.value.code == 130
    assert {path.name: path.read_bytes() for path in (tmp_path / "log").iterdir()} == before
