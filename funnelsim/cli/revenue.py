"""``forecast revenue``: from a CRM export to what will be won, and the chance of the plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from funnelsim.cli.forecasting import forecast
from funnelsim.cli.options import Json, Lang, Mapping, Seed

if TYPE_CHECKING:
    from funnelsim.planning import RevenueForecast

__all__: list[str] = []


@forecast.command()
def revenue(  # noqa: PLR0913, PLR0917 - one parameter an option
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="A CRM export, a folder of exports, or a saved event log.",
            show_default=False,
        ),
    ],
    mapping: Mapping = None,
    plan: Annotated[
        str,
        typer.Option(
            "--plan",
            metavar="AMOUNT|FILE",
            help="An amount for every period, or a CSV or Excel file: period, plan and, if "
            "wanted, product, channel, segment.",
        ),
    ] = "",
    horizon: Annotated[str, typer.Option("--horizon", help="How far: 26w, 6mo.")] = "26 w",
    freq: Annotated[
        str, typer.Option("--freq", help="week, month or quarter. [default: by the horizon]")
    ] = "",
    start: Annotated[
        str,
        typer.Option(
            "--start", help="Forecast as of this day, knowing nothing later.", metavar="DAY"
        ),
    ] = "",
    seed: Seed = 1,
    n: Annotated[int, typer.Option("--n", min=2, help="Simulated runs.")] = 200,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Also write tables as CSV here.", show_default=False),
    ] = None,
    pdf: Annotated[
        bool, typer.Option("--report", help="Make the report (PDF) instead, in --out.")
    ] = False,
    past: Annotated[
        Path | None,
        typer.Option(
            "--past",
            help="A CSV of forecasts issued earlier; ranges are corrected by how they held.",
            show_default=False,
        ),
    ] = None,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Forecast what will be won: top-down, bottom-up, combined; the chance of the plan."""
    from funnelsim.calibration.fitting import calibrate
    from funnelsim.cli.progress import progress_bar
    from funnelsim.cli.showing import show_json
    from funnelsim.planning import forecast_revenue, restate
    from funnelsim.planning.issued import read_issued
    from funnelsim.reporting.inputs import check_data, check_input, open_log

    check_input(source, mapping=mapping or "")
    check_data(source)
    if pdf:
        settings = {"plan": _path(plan), "horizon": horizon, "freq": freq, "past": _path(past)}
        _report(source, mapping, settings, out, lang, seed, n, as_json=as_json)
        return
    earlier = read_issued(past) if past else None
    with progress_bar(f"Forecasting {source.name}") as tell:
        log = open_log(source, mapping=mapping or "")
        known = log.as_of(start) if start else log
        made = forecast_revenue(
            calibrate(known),
            history=known,
            horizon=horizon,
            freq=freq or None,  # type: ignore[arg-type]  # checked there
            plan=_plan(plan),
            seed=seed,
            n=n,
            progress=tell,
        )
    if earlier is not None:
        made = restate(made, known, earlier)
    files = _leave(made, out) if out is not None else {}
    if as_json:
        show_json(_as_data(made, files))
        return
    typer.echo(made.sentence())
    for note in made.notes:
        typer.echo(note)
    _show(made)
    for file in files.values():
        typer.echo(file)


def _report(
    source: Path,
    mapping: Path | None,
    settings: dict[str, str],
    out: Path | None,
    lang: str,
    seed: int,
    n: int,
    *,
    as_json: bool,
) -> None:
    """Make the report with its files."""
    from funnelsim.cli.showing import show_json
    from funnelsim.reporting.reports import report

    made = report(
        source,
        kind="sales-forecast",
        lang=lang,
        out=out or Path("reports"),
        mapping=mapping or "",
        seed=seed,
        n=n,
        options={name: value for name, value in settings.items() if value},
    )
    if as_json:
        show_json({"pdf": str(made.pdf), "sentences": list(made.sentences)})
        return
    typer.echo(str(made.pdf))
    for sentence in made.sentences:
        typer.echo(sentence)


def _path(given: str | Path | None) -> str:
    """A file's full name, for a notebook runs elsewhere; amounts stay as they are."""
    if not given:
        return ""
    return str(Path(given).resolve()) if Path(given).exists() else str(given)


def _plan(text: str) -> float | str | None:
    """A number for every period, or a file."""
    if not text:
        return None
    try:
        return float(text.replace(" ", "").replace("_", ""))
    except ValueError:
        return text


def _show(made: RevenueForecast) -> None:
    """Print the periods, the ways and the plan."""
    from rich.table import Table

    from funnelsim.cli.showing import console
    from funnelsim.reporting.texts import texts

    t = texts("en")

    def money(value: float) -> str:
        return t.money(value, made.currency) if made.measure == "won_value" else t.number(value)

    rows = made.table[(made.table["measure"] == made.measure) & (made.table["way"] == "combined")]
    out = console()
    shown = Table(title="What will be won", title_justify="left", box=None, pad_edge=False)
    for name in ("period", "booked", "P10", "P50", "P90", "open deals", "future leads"):
        shown.add_column(name, justify="left" if name == "period" else "right")
    for _, group in rows.groupby(["span", "period"], sort=False):
        by = {row["origin"]: row for row in group.to_dict("records")}
        whole = by["all"]
        shown.add_row(
            whole["period"] if whole["whole"] else f"{whole['period']} (in part)",
            *(money(whole[column]) for column in ("booked", "p10", "p50", "p90")),
            *(money(by[origin]["mean"]) for origin in ("open", "future")),
        )
    out.print(shown)
    names = {"bottom_up": "deal by deal", "top_down": "the series of the past"}
    weights = ", ".join(f"{names[way]} {weight:.0%}" for way, weight in made.weights.items())
    out.print(f"Weights by past errors: {weights}", markup=False)
    if made.plan is not None:
        against = Table(title="The plan", title_justify="left", box=None, pad_edge=False)
        for name in ("period", "plan", "P50", "gap", "chance"):
            against.add_column(name, justify="left" if name == "period" else "right")
        for row in made.chance_of().to_dict("records"):
            amounts = (money(row[name]) for name in ("plan", "p50", "gap"))
            against.add_row(row["period"], *amounts, f"{row['chance']:.0%}")
        out.print(against)


def _as_data(made: RevenueForecast, files: dict[str, str]) -> dict[str, Any]:
    """Everything for machines."""
    found: dict[str, Any] = {
        "sentence": made.sentence(),
        "notes": list(made.notes),
        "cutoff": made.start,
        "currency": made.currency,
        "weights": dict(made.weights),
        "table": made.table.to_dict("records"),
        "files": files,
    }
    if made.plan is not None:
        found["plan"] = made.chance_of().to_dict("records")
    return found


def _leave(made: RevenueForecast, out: Path) -> dict[str, str]:
    """Write the tables; kind → file."""
    tables = {
        "forecast": made.issued(),
        "periods": made.table,
        "deals": made.top_deals(50),
        "downside": made.downside("stage"),
        "backtest": made.past,
    }
    if made.plan is not None:
        tables |= {"chance": made.chance_of(), "plan": made.reconciled()}
    out.mkdir(parents=True, exist_ok=True)
    left = {}
    for kind, table in tables.items():
        file = out / ("forecast.csv" if kind == "forecast" else f"revenue.{kind}.csv")
        table.to_csv(file, index=False)
        left[kind] = str(file)
    return left
