"""`mailbridge model`: which speech models there are, and how one gets onto this machine.

Promises that a model is installed whole and verified or not at all. How it fails: Unavailable (69) where it
cannot be downloaded or no model is configured, Permanent (65) where archive, checksum or folder is wrong,
CannotWrite (73).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click import option

from mailbridge.cli.group import Group
from mailbridge.cli.output import print_json, print_table, say
from mailbridge.cli.transcribe import configured_model, model_path, models_folder
from mailbridge.errors import CannotWrite, NotFound, Permanent, Unavailable

if TYPE_CHECKING:
    from transcription.evaluate import Row
    from transcription.models import Installed, Known


@click.group("model", cls=Group)
def command() -> None:
    """List and install speech models."""


@command.command("list")
@option("--in", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Look here, not in the state.")
@option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_context
def list_(ctx: click.Context, folder: Path | None, as_json: bool) -> None:
    """Show the models on this machine and those that can be had."""
    from transcription import models

    place = folder or models_folder(ctx)
    here = models.installed(place) if place else []
    used = configured_model(ctx)
    if used and Path(used).is_dir() and not any(one.path == Path(used) for one in here):
        here += [one for one in [_described(Path(used))] if one]
    here.append(models.describe(models.SHIPPED))
    rows = [_installed_row(one, used) for one in here]
    names = {one.name for one in here}
    rows += [_known_row(one) for one in models.CATALOGUE if one.name not in names]
    if as_json:
        print_json(rows)
        return
    columns = ("name", "language", "size_mb", "state", "rate", "good_for")
    print_table(columns, [[row[name] for name in columns] for row in rows])
    say("Install one with: mailbridge model install NAME")


def _described(path: Path) -> Installed | None:
    from transcription import models
    from transcription.errors import ModelError

    try:
        return models.describe(path)
    except ModelError:
        return None


def _installed_row(one: Installed, used: str | None) -> dict[str, Any]:
    from transcription.models import SHIPPED

    state = "in use" if used and one.path == Path(used) else "shipped" if one.path == SHIPPED else "installed"
    size = round(one.size_bytes / 1e6, 1)
    return {**_row(one, size), "state": state, "rate": one.rate, "path": str(one.path), "verified": None}


def _known_row(one: Known) -> dict[str, Any]:
    return {
        **_row(one, float(one.size_mb)),
        "state": "available",
        "rate": None,
        "path": None,
        "verified": bool(one.sha256),
    }


def _row(one: Installed | Known, size_mb: float) -> dict[str, Any]:
    return {"name": one.name, "language": one.language, "size_mb": size_mb, "good_for": one.good_for}


@command.command("install")
@click.argument("source", metavar="NAME|FILE|DIR|URL")
@option("--sha256", default="", metavar="HEX", help="The archive must have this checksum.")
@option(
    "--to", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Install here, not in the state."
)
@option("--from", "base_url", metavar="URL", help="A mirror to download from.")
@option("--force", is_flag=True, help="Replace a model of that name.")
@option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def install(
    ctx: click.Context,
    source: str,
    sha256: str,
    folder: Path | None,
    base_url: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Install a model by name, from a local archive or folder, or from an address."""
    from transcription import models
    from transcription.errors import ModelError

    place = folder or models_folder(ctx)
    if place is None:
        raise click.UsageError("where to is not known without a configuration: give --to DIR")
    try:
        receipt = models.install(
            source,
            place,
            sha256=sha256,
            base_url=base_url or models.BASE_URL,
            replace=force,
            progress=_Bar() if sys.stderr.isatty() else None,
        )
    except ModelError as error:
        raise _translated(str(error)) from error
    except OSError as error:
        raise CannotWrite(f"{place} cannot be written: {error.strerror or error}") from error
    model = receipt.model
    if as_json:
        print_json({**_installed_row(model, configured_model(ctx)), "verified": bool(receipt.verified)})
        return
    checked = (
        "its SHA-256 is right" if receipt.verified else "unverified: no checksum is known, --sha256 gives one"
    )
    say(f"Installed {model.name} in {model.path} ({model.size_bytes / 1e6:.1f} MB; {checked}).")
    say(f"To use it: model = {model.path} in [voicemail] of the configuration.")


def _translated(sentence: str) -> Exception:
    if "cannot be had" in sentence or "cannot be downloaded" in sentence:
        return Unavailable(sentence)
    return NotFound(sentence) if "neither a file" in sentence else Permanent(sentence)


class _Bar:
    """Progress on standard error, at most ten times a second."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now < self._next and done != total:
            return
        self._next = now + 0.1
        share = f"{100 * done // total:3d} % of {total / 1e6:.1f} MB" if total else f"{done / 1e6:.1f} MB"
        click.echo(f"\r{share}  ", nl=bool(total) and done >= total, err=True)


@command.command("path")
@click.argument("name", required=False)
@option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def path_(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Print the folder of the configured model, or of the one named."""
    where = model_path(ctx, name)
    if as_json:
        print_json({"path": str(where)})
    else:
        say(str(where))


@command.command("evaluate")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@option("--model", metavar="DIR", help='Speech model: its folder or name, or "tiny".')
@option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def evaluate(ctx: click.Context, folder: Path, model: str | None, as_json: bool) -> None:
    """Print the word error rate on the recordings of DIR, each with what is said in it beside it as .txt."""
    from transcription import evaluate as evaluation
    from transcription.engine import Hints
    from transcription.errors import ModelError
    from transcription.pool import Pool

    where = model_path(ctx, model)
    if not folder.is_dir() or not evaluation.recordings(folder):
        raise Permanent(f"{folder} holds no recording with a reference text beside it (a.wav and a.txt)")
    try:
        with Pool(where, background=False) as pool:
            heard = evaluation.evaluate(
                folder, lambda data, name: pool.submit(name, data, Hints(name=name)).result()
            )
            rows = list(heard)
    except ModelError as error:
        raise Unavailable(str(error)) from error
    _report(where, rows, evaluation.total(rows), as_json=as_json)


def _report(model: Path, rows: list[Row], total: Row, *, as_json: bool) -> None:
    shown = [_evaluated(row) for row in rows]
    if as_json:
        print_json({"model": str(model), "recordings": shown, "total": _evaluated(total)})
        return
    columns = ("file", "seconds", "words", "wrong", "word_error_rate", "confidence", "error")
    lines = [*shown, _evaluated(total)]
    print_table(columns, [[_cell(name, row[name]) for name in columns] for row in lines])


def _cell(name: str, value: object) -> str:
    if name == "word_error_rate":
        return f"{100 * float(str(value)):.1f} %"
    return f"{value:.2f}" if isinstance(value, float) else str(value or ("" if name == "error" else 0))


def _evaluated(row: Row) -> dict[str, Any]:
    return {
        "file": row.name,
        "seconds": row.seconds,
        "words": row.words,
        "wrong": row.wrong,
        "word_error_rate": round(row.rate, 4),
        "confidence": round(row.confidence, 4),
        "error": row.error,
    }
