"""The verbs that look ahead: ``forecast leads`` and ``backtest``.

Other modules put their own verbs into the group ``forecast``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from funnelsim.cli.options import Json, Lang, Mapping, Seed
from funnelsim.cli.verbs import app

if TYPE_CHECKING:
    import pandas as pd

    from funnelsim.figures import Picture

__all__ = ["forecast"]

forecast = typer.Typer(
    name="forecast",
    help="What will come: leads, revenue, people needed.",
    no_args_is_help=True,
    add_completion=False,
)
app.add_typer(forecast)

History = Annotated[
    Path,
    typer.Argument(
        metavar="INPUT",
        help="A saved event log (a folder), a CRM export, or a table with dates and numbers "
        "(CSV, XLSX).",
        show_default=False,
    ),
]
By = Annotated[
    list[str] | None,
    typer.Option("--by", help="A column to forecast by, e.g. source. May be repeated."),
]
Freq = Annotated[
    str, typer.Option("--freq", help="D, W, M or Q. [default: by the horizon, or the table's]")
]
At = Annotated[str, typer.Option("--at", help="Of a table: the column with the date.")]
Number = Annotated[str, typer.Option("--y", help="Of a table: the column with the number.")]
Country = Annotated[
    str, typer.Option("--country", help="Whose holidays, e.g. UA or DE-BY; weekends otherwise.")
]
Profile = Annotated[
    Literal["full", "fast"], typer.Option("--profile", help="fast takes about a third of the time.")
]
Until = Annotated[
    str,
    typer.Option(
        "--until", help="Of a table: the day it was taken; periods not over then are left out."
    ),
]
Zone = Annotated[
    str, typer.Option("--time-zone", help="Of times without an offset, e.g. Europe/Kyiv.")
]
Out = Annotated[Path, typer.Option("--out", help="Folder of the files.")]


@forecast.callback()
def _forecasts() -> None:
    """What will come: leads, revenue, people needed."""


@forecast.command()
def leads(  # noqa: PLR0913, PLR0917 - one parameter an option
    source: History,
    horizon: Annotated[str, typer.Option("--horizon", help="How far: 26w, 6mo, 90d.")] = "26 w",
    freq: Freq = "",
    by: By = None,
    at: At = "",
    y: Number = "",
    until: Until = "",
    country: Country = "",
    covariates: Annotated[
        Path | None,
        typer.Option(
            "--covariates",
            help="A table of numbers known also for the periods ahead, its first column the date.",
            show_default=False,
        ),
    ] = None,
    profile: Profile = "full",
    mapping: Mapping = None,
    time_zone: Zone = "",
    seed: Seed = 0,
    lang: Lang = "en",
    out: Out = Path("forecasts"),
    as_json: Json = False,
) -> None:
    """Forecast how many leads come: forecast.csv, a fan chart, one sentence."""
    from funnelsim.cli.progress import progress_bar
    from funnelsim.cli.showing import show_json
    from funnelsim.forecasting.leads import forecast_leads
    from funnelsim.planning.history import read_history
    from funnelsim.reporting.texts import texts

    t = texts(lang)
    history = read_history(source, mapping=mapping or "", time_zone=time_zone)
    with progress_bar("Forecasting leads") as tell:
        made = forecast_leads(
            history,
            horizon,
            freq=freq or None,
            by=by,
            at=at,
            y=y,
            until=_until(until),
            country=country,
            covariates=_covariates(covariates),
            profile=profile,
            seed=seed,
            progress=tell,
        )
    sentences = [made.sentence(lang=t.locale, text=t._)]
    sentences += [remark.sentence(t.wording()) for remark in made.remarks]
    files = _leave(
        out,
        "forecast",
        {"forecast": made.issued(), "leads": made.table, "sums": made.sums},
        made.plot(lang=t.locale, text=t._),
        sentences,
        _origin("forecast leads", source, seed, horizon=horizon, by=by, country=country,
                every=made.every, profile=profile, models=dict(made.models)),
        made.plot_segments(lang=t.locale, text=t._) if made.by else None,
    )  # fmt: skip
    if as_json:
        show_json({"sentences": sentences, "table": made.table.to_dict("records"), "files": files})
        return
    for sentence in sentences:
        typer.echo(sentence)
    typer.echo("")
    for file in files.values():
        typer.echo(file)


@app.command()
def backtest(  # noqa: PLR0913, PLR0917 - one parameter an option
    source: History,
    what: Annotated[
        str,
        typer.Option("--what", help="leads, wins or won_value of a log; a table's number column."),
    ] = "leads",
    freq: Freq = "",
    horizon: Annotated[
        str, typer.Option("--horizon", help="How far each goes. [default: 13 weeks, 12 months …]")
    ] = "",
    cutoffs: Annotated[int, typer.Option("--cutoffs", min=1, help="How many past forecasts.")] = 6,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="full, fast, naive, seasonal_naive, mean, or a component such as theta. May be "
            "repeated. [default: the first four]",
        ),
    ] = None,
    by: By = None,
    at: At = "",
    country: Country = "",
    mapping: Mapping = None,
    time_zone: Zone = "",
    lang: Lang = "en",
    out: Out = Path("backtests"),
    as_json: Json = False,
) -> None:
    """Forecast from past cutoffs and compare with what came: who leads, do intervals hold."""
    from funnelsim.cli.progress import progress_bar
    from funnelsim.cli.showing import show_json
    from funnelsim.forecasting.backtesting import MODELS
    from funnelsim.forecasting.backtesting import backtest as tested
    from funnelsim.planning.history import read_history
    from funnelsim.reporting.texts import texts

    t = texts(lang)
    history = read_history(source, mapping=mapping or "", time_zone=time_zone)
    with progress_bar("Testing forecasts") as tell:
        made = tested(
            history,
            what,
            freq=freq or None,
            horizon=horizon or None,
            cutoffs=cutoffs,
            models=models or MODELS,
            by=by,
            at=at,
            country=country,
            folder=out / "pieces",
            progress=tell,
        )
    board = made.leaders
    sentences = [made.sentence(lang=t.locale, text=t._)]
    sentences += [remark.sentence(t.wording()) for remark in made.remarks]
    files = _leave(
        out,
        "backtest",
        {"backtest": made.table, "scores": made.scores, "leaders": board},
        made.plot(lang=t.locale, text=t._),
        sentences,
        _origin("backtest", source, 0, what=what, horizon=made.horizon, every=made.every,
                step=made.step, by=by, country=country, models=models or list(MODELS)),
    )  # fmt: skip
    if as_json:
        show_json({"sentences": sentences, "leaders": board.to_dict("records"), "files": files})
        return
    for sentence in sentences:
        typer.echo(sentence)
    _show_board(board)
    for file in files.values():
        typer.echo(file)


def _show_board(board: pd.DataFrame) -> None:
    """Print the leader board."""
    from rich.table import Table

    from funnelsim.cli.showing import console

    shown = Table(title="Leader board", title_justify="left", box=None, pad_edge=False)
    columns = {"mase": "MASE", "crps": "CRPS", "msis": "MSIS", "smape": "sMAPE", "rmsse": "RMSSE"}
    shares = {"bias": "bias", "value_added": "value added", "cover_80": "in 80%",
              "cover_95": "in 95%"}  # fmt: skip
    shown.add_column("model")
    for name in (*columns.values(), *shares.values(), "p (naive)"):
        shown.add_column(name, justify="right")
    for row in board.to_dict("records"):
        numbers = [f"{row[name]:.2f}" for name in columns] + [f"{row[name]:.0%}" for name in shares]
        shown.add_row(str(row["model"]), *numbers, f"{row['p_naive']:.3f}")
    out = console()
    out.print(shown)
    out.print()


def _until(given: str) -> str:
    """When a table was taken; today at the latest: what is not over yet is not whole."""
    import datetime as dt

    return given or dt.datetime.now().astimezone().date().isoformat()


def _covariates(file: Path | None) -> pd.DataFrame | None:
    """A table by date; every column of numbers counts."""
    if file is None:
        return None
    from funnelsim.errors import DataError, Problem
    from funnelsim.events import EventLog
    from funnelsim.planning.history import read_history

    table = read_history(file)
    if isinstance(table, EventLog) or not str(table.dtypes.iloc[0]).startswith("datetime"):
        fix = "Its first column holds the dates on which the periods begin."
        raise DataError(Problem("is no table of covariates", str(file), fix=fix))
    return table.set_index(table.columns[0]).select_dtypes("number")


def _origin(verb: str, source: Path, seed: int, **said: object) -> dict[str, Any]:
    """Where a forecast came from: enough to make the same again."""
    from funnelsim.cli.running import made_with
    from funnelsim.reporting.inputs import fingerprint

    return {
        "format_version": 1,
        "command": verb,
        "input": source.name,
        "input_sha256": fingerprint(source),
        "seed": seed,
        **said,
        "versions": made_with(),
    }


def _leave(
    out: Path,
    stem: str,
    tables: dict[str, pd.DataFrame],
    picture: Picture,
    sentences: list[str],
    origin: dict[str, Any],
    parts: Picture | None = None,
) -> dict[str, str]:
    """Write tables, picture, sentences and manifest, all or none; kind → file."""
    from funnelsim.cli.showing import json_text
    from funnelsim.reporting.reports import workplace

    files = {kind: f"{kind}.csv" if kind == stem else f"{stem}.{kind}.csv" for kind in tables}
    files |= {kind: f"{stem}.{kind}" for kind in ("png", "svg", "txt")}
    files["manifest"] = f"{stem}.manifest.json"
    with workplace(out) as scratch:
        for kind, table in tables.items():
            table.to_csv(scratch / files[kind], index=False)
        (scratch / files["svg"]).write_text(picture.svg(outlines=True), "utf-8")
        (scratch / files["png"]).write_bytes(picture.png())
        if parts is not None:
            files |= {f"parts_{kind}": f"{stem}.segments.{kind}" for kind in ("png", "svg")}
            (scratch / files["parts_svg"]).write_text(parts.svg(outlines=True), "utf-8")
            (scratch / files["parts_png"]).write_bytes(parts.png())
        (scratch / files["txt"]).write_text("\n".join(sentences) + "\n", "utf-8")
        manifest = json_text({**origin, "sentences": sentences})
        (scratch / files["manifest"]).write_text(manifest + "\n", "utf-8")
        for file in files.values():
            (scratch / file).replace(out / file)
    return {kind: str(out / file) for kind, file in files.items()}
