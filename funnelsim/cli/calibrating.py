"""The verbs between a CRM and a scenario: audit, calibrate, export-crm."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from funnelsim.cli.experiments import app
from funnelsim.cli.options import Json, Lang, Mapping, Seed, Set, overrides
from funnelsim.cli.verbs import ScenarioFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelsim.reporting.fit_review.gathering import Calibrated, Sources

__all__ = ["app"]

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Exports of one CRM (several days or tables of it together), or a database URL.",
        show_default=False,
    ),
]
Pipeline = Annotated[
    str, typer.Option("--pipeline", help="The only pipeline to keep, as the CRM names it.")
]
Zone = Annotated[
    str, typer.Option("--time-zone", help="Of times without an offset, e.g. Europe/Kyiv.")
]
Currency = Annotated[str, typer.Option("--currency", help="Of amounts that carry none, e.g. UAH.")]
Query = Annotated[str, typer.Option("--query", help="SQL, for a database.")]


@app.command()
def audit(  # noqa: PLR0913, PLR0917 - one parameter an option
    files: Files,
    mapping: Mapping = None,
    suggest: Annotated[
        bool,
        typer.Option("--suggest-mapping", help="Draft a mapping file for a format not recognised."),
    ] = False,
    pipeline: Pipeline = "",
    time_zone: Zone = "",
    currency: Currency = "",
    query: Query = "",
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Judge a CRM export: a grade for each use, what was found, what to fix."""
    from funnelsim.calibration.auditing.audit import audit as judged
    from funnelsim.cli.audits import as_data, show_audit
    from funnelsim.cli.showing import show_json
    from funnelsim.reporting.texts import texts

    if suggest:
        typer.echo(_suggested(files, query), nl=False)
        return
    raw = _raw(_sources(files, mapping, pipeline, time_zone, currency, query))
    found = judged(raw)
    if as_json:
        show_json(as_data(found, raw.meta))
    else:
        show_audit(found, raw.meta, texts(lang))


@app.command()
def calibrate(  # noqa: PLR0913, PLR0917 - one parameter an option
    files: Files,
    out: Annotated[Path, typer.Option("--out", help="Folder of the files.")] = Path("calibrated"),
    name: Annotated[
        str, typer.Option("--name", help="Of the scenario. [default: the first file's]")
    ] = "",
    mapping: Mapping = None,
    pipeline: Pipeline = "",
    time_zone: Zone = "",
    currency: Currency = "",
    query: Query = "",
    half_life: Annotated[
        str,
        typer.Option("--half-life", help="Data so much older counts half, e.g. 90d."),
    ] = "",
    stale: Annotated[
        str,
        typer.Option(
            "--stale", help="Open deals far older than any that closed: count as lost or open."
        ),
    ] = "lost",
    seed: Seed = 1,
    n: Annotated[int, typer.Option("--n", min=2, help="Runs compared with the data.")] = 40,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Make a scenario of a CRM export: scenario, report of fit (PDF), audit, manifest."""
    from funnelsim.cli.audits import show_gravest, show_refusals
    from funnelsim.cli.progress import progress_bar
    from funnelsim.cli.showing import show_json
    from funnelsim.reporting.blocks import plain
    from funnelsim.reporting.fit_review.findings import answer
    from funnelsim.reporting.fit_review.gathering import calibrated
    from funnelsim.reporting.texts import texts

    t = texts(lang)
    sources = _sources(files, mapping, pipeline, time_zone, currency, query)
    called = name or _name(files[0])
    with progress_bar("Calibrating") as tell:
        found = calibrated(
            sources,
            name=called,
            half_life=half_life,
            stale=_stale(stale),
            seed=seed,
            n=n,
            tell=tell and (lambda _, share: tell(share)),
        )
    said = {"half_life": half_life, "stale": stale, "seed": seed, "runs": n, "lang": lang}
    left = _leave(found, out, called, lang, said)
    sentences = [plain(sentence) for sentence in answer(found, t)]
    if as_json:
        refusals = [
            {key: getattr(each, key) for key in ("of", "why", "instead", "fix")}
            for each in found.fit.refusals
        ]
        show_json({"sentences": sentences, "refusals": refusals, "files": left})
        return
    for sentence in sentences:
        typer.echo(sentence)
    show_gravest(found.audit, t)
    show_refusals(found, t)
    typer.echo("")
    for file in left.values():
        typer.echo(file)


@app.command("export-crm")
def export_crm(
    file: ScenarioFile,
    form: Annotated[
        str,
        typer.Option(
            "--format", help="amocrm, bitrix24, hubspot, salesforce, pipedrive, zoho, dynamics365."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the export, new or empty.")],
    dirt: Annotated[
        str,
        typer.Option("--dirt", help="none, light, heavy, or kinds such as duplicates=2%."),
    ] = "none",
    seed: Seed = 1,
    settings: Set = None,
    lang: Annotated[str, typer.Option("--lang", help="Of names: en, ru, uk.")] = "en",
    as_json: Json = False,
) -> None:
    """Write what a CRM would export of a scenario, with planted dirt and the truth beside it."""
    from funnelsim.calibration.exports import export_crm as exported
    from funnelsim.cli.running import ready
    from funnelsim.cli.showing import show_json

    scenario = ready(file, overrides(settings))
    made = exported(scenario, out, format=form, seed=seed, dirt=dirt, language=_language(lang))
    files = [str(path) for path in made.files]
    told = {
        "folder": str(made.folder),
        "format": made.format,
        "files": files,
        "answer_key": str(made.answer_key),
        "leads": len(made.log.leads),
        "seed": seed,
        "dirt": dirt,
    }
    if as_json:
        show_json(told)
        return
    for path in files:
        typer.echo(path)
    typer.echo(f"The truth, to compare with: {made.answer_key}")


def _sources(
    files: Sequence[str],
    mapping: Path | None,
    pipeline: str,
    time_zone: str,
    currency: str,
    query: str,
) -> Sources:
    """What the user says about the files."""
    from funnelsim.reporting.fit_review.gathering import Sources

    given = str(mapping) if mapping else ""
    return Sources(tuple(files), given, pipeline, time_zone, currency, query)


def _raw(sources: Sources) -> Any:  # noqa: ANN401 - a RawHistory
    """The export as it stands; a saved log has nothing to be audited."""
    from funnelsim.errors import ParameterError, Problem
    from funnelsim.reporting.fit_review.gathering import read

    if sources.is_log:
        fix = "Give the CRM's export; funnelsim calibrate takes the log as it is."
        message = "is a saved event log, which was checked when it was made"
        raise ParameterError(Problem(message, str(sources.files[0]), fix=fix))
    raw, _ = read(sources)
    return raw


def _suggested(files: Sequence[str], query: str) -> str:
    """A draft of a mapping file."""
    from funnelsim.calibration.readers.suggesting import suggest_mapping

    return str(suggest_mapping(files[0], **({"query": query} if query else {})))


def _stale(said: str) -> Any:  # noqa: ANN401 - a literal
    """What stale deals count as."""
    from funnelsim.errors import ParameterError, Problem

    if said not in {"lost", "open"}:
        problem = Problem(f'"{said}" is neither lost nor open', path="--stale")
        raise ParameterError(problem)
    return said


def _language(lang: str) -> Any:  # noqa: ANN401 - export_crm checks it
    return lang


def _name(file: str) -> str:
    """A scenario's name from a file's: lower case, hyphens, a letter first."""
    from funnelsim.reporting.inputs import titled

    stem = titled(file).lower()
    stem = re.sub(r"[^a-z0-9_-]+", "-", stem).strip("-_")
    return stem if stem[:1].isalpha() else f"crm-{stem}".rstrip("-")


def _leave(
    found: Calibrated, out: Path, name: str, lang: str, said: dict[str, Any]
) -> dict[str, str]:
    """Write scenario, report, audit and manifest, all or none; kind → file."""
    from funnelsim.cli.audits import as_data
    from funnelsim.cli.running import made_with
    from funnelsim.cli.showing import json_text
    from funnelsim.reporting.fit_review.sections import whole
    from funnelsim.reporting.fit_review.tables import inputs
    from funnelsim.reporting.inputs import fingerprint
    from funnelsim.reporting.pdf import render
    from funnelsim.reporting.reports import workplace

    scenario = found.fit.scenario
    files = {"scenario": f"{name}.yaml", "report": f"{name}.calibration.pdf"}
    files["numbers"] = f"{name}.evidence.csv"
    if found.audit is not None:
        files |= {"audit": f"{name}.audit.csv", "audit_json": f"{name}.audit.json"}
    files["manifest"] = f"{name}.manifest.json"
    origin = f"{name} · data {scenario.data.sha256[:12]}" if scenario.data else name
    with workplace(out) as scratch:
        scenario.save(scratch / files["scenario"])
        (scratch / files["report"]).write_bytes(render(whole(found, lang), origin=origin))
        found.fit.table.to_csv(scratch / files["numbers"], index=False)
        if found.audit is not None and found.raw is not None:
            found.audit.table.to_csv(scratch / files["audit"], index=False)
            listed = json_text(as_data(found.audit, found.raw.meta))
            (scratch / files["audit_json"]).write_text(listed + "\n", "utf-8")
        manifest = {
            "format_version": 1,
            "command": "calibrate",
            "input": [{"name": name, "sha256": sha} for name, sha in inputs(found)],
            "scenario": scenario.name,
            "scenario_sha256": scenario.fingerprint(),
            "data_sha256": scenario.data.sha256 if scenario.data else "",
            "history": found.log.meta.history,
            **said,
            "refusals": len(found.fit.refusals),
            "versions": made_with(),
            "outputs": {
                file: fingerprint(scratch / file)
                for kind, file in files.items()
                if kind != "manifest"
            },
        }
        (scratch / files["manifest"]).write_text(json_text(manifest) + "\n", "utf-8")
        for file in files.values():
            (scratch / file).replace(out / file)
    return {kind: str(out / file) for kind, file in files.items()}
