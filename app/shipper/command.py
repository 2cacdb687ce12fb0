"""``flask utm ship`` and ``flask utm simulate``: what stands beside a UTM, on the command line.

Exit codes: 0 all was taken, 1 something was unreadable or refused, 2 wrong usage or no way to the portal, 130 interrupted.
"""

from __future__ import annotations

import math
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from app.shipper.client import DeviceClient, DeviceError, check_url
from app.shipper.decompression import NotReadError
from app.shipper.faults import CALM, FAULTS
from app.shipper.file_pattern import FilePattern
from app.shipper.fleet import Fleet, Utm
from app.shipper.report import played_table, shipped_table
from app.shipper.run import Run
from app.shipper.shipping import not_read
from app.shipper.time_shift import StateError
from app.shipper.tokens import (
    TOKENS_FILE,
    CannotGoOnError,
    instance,
    is_loopback,
    token_of,
    tokens_in,
    warn_of_plain_http,
)

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_LONGEST_PLAY = 366 * 24 * 60  # minutes


class _Log(click.Path):
    """A log: the path of a file, or a pattern of names."""

    name = "file or pattern"

    def __init__(self) -> None:
        super().__init__(dir_okay=False, readable=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> FilePattern:
        path = super().convert(value, param, ctx)
        try:
            return FilePattern(str(path))
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


class _Number(click.FloatRange):
    """A number of a range; NaN is in none, although no comparison says so."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def _own_portal() -> str:
    """Return where ``make run`` starts the portal."""
    return f"http://127.0.0.1:{os.environ.get('PORTAL_PORT') or 8080}"


def _checked_url(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        check_url(value)
    except DeviceError as error:
        raise click.BadParameter(str(error)) from None
    return value


_URL = click.option(
    "--url",
    envvar="PORTAL_URL",
    default=_own_portal,
    callback=_checked_url,
    help="Where the portal is.  [default: http://127.0.0.1:8080, or the port that PORTAL_PORT says]",
)


@click.group("utm")
def utm() -> None:
    """Send what a UTM sees to the portal, or play a fleet of UTMs."""


@utm.command("ship")
# The only format so far; it is asked for so that a second one changes no command line that is in use.
@click.option(
    "--format", type=click.Choice(["suricata"]), required=True, expose_value=False, help="What wrote the log."
)
@click.option(
    "--file",
    "patterns",
    type=_Log(),
    required=True,
    multiple=True,
    help="The log: EVE JSON lines or arrays; plain, gzip or bzip2. May be given several times, and be a pattern in quotation marks, "
    "as eve-%Y-%m-%d.json or 'eve.*.json'.",
)
@click.option(
    "--follow",
    is_flag=True,
    help="Go on with what is added to the log, and with new files that fit a pattern, until Ctrl-C or SIGTERM, through rotation of the "
    "log and absence of the portal. The next run goes on where this one ended. Plain EVE JSON lines only.",
)
@click.option(
    "--shift-to",
    type=click.Choice(["now"]),
    help="Move the log so that its last alert is now. Remembered per log and UTM. Not with --follow.",
)
@_URL
@click.option(
    "--token", help="The UTM's token. Other users of this machine can see it here: better in PORTAL_UTM_TOKEN."
)
@click.option("--utm", "utm_id", help=f"Take the token of this UTM from the demo's {TOKENS_FILE}.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where shifts and positions are remembered.  [default: instance/shipper]",
)
@click.option("--quiet", is_flag=True, help="Do not show how far a long run came.")
def ship_command(  # noqa: PLR0913  (options are arguments)
    *,
    patterns: tuple[FilePattern, ...],
    follow: bool,
    shift_to: str | None,
    url: str,
    token: str | None,
    utm_id: str | None,
    state: Path | None,
    quiet: bool,
) -> None:
    """Send the alerts of a log. Safe to repeat: the portal stores each alert once.

    \b
    Ends with a table of what was read, sent, stored and refused, and with
      0  all was taken
      1  something was unreadable or refused
      2  wrong usage, or no way to the portal
    130  interrupted; the same command goes on
    """  # noqa: D301  (click reads the backspace)
    if follow and shift_to:
        raise click.UsageError(
            "--follow and --shift-to exclude each other: a log that is being written is at its own time."
        )
    for pattern in patterns:
        if not follow and not pattern.paths():
            raise click.UsageError(f"{pattern} does not exist." if pattern.path else f"No file fits {pattern}.")
    run = Run(list(patterns), url, token_of(token, utm_id), state or instance() / "shipper", quiet=quiet)
    warn_of_plain_http(url)
    try:
        if follow:
            run.follow()
        else:
            run.once(shift_to_end_at=datetime.now(UTC) if shift_to else None)
    except KeyboardInterrupt:
        click.echo(shipped_table(run.files, url, run.shipped))
        click.echo("Interrupted. The same command goes on: the portal stores each alert once.", err=True)
        raise click.exceptions.Exit(130) from None
    except (DeviceError, StateError, NotReadError, OSError) as error:
        if run.shipped.records:
            click.echo(shipped_table(run.files, url, run.shipped))
        told = not_read(_path_of(error, run), error) if isinstance(error, NotReadError | OSError) else str(error)
        raise CannotGoOnError(told) from None
    click.echo(shipped_table(run.files, url, run.shipped))
    if not run.shipped.clean:
        raise click.exceptions.Exit(1)


def _path_of(error: NotReadError | OSError, run: Run) -> Path:
    """Return the file that an error is about; those that come from reading do not name it."""
    named = getattr(error, "filename", None)
    return Path(named if isinstance(named, str) else str(run.files[0]))


def _faults(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """Read the names of faults, in the order in which they are documented."""
    if value in {"all", CALM}:
        return FAULTS if value == "all" else ()
    names = [name.strip() for name in value.split(",")]
    if unknown := [name for name in names if name not in FAULTS]:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(FAULTS)}; or 'all', or {CALM!r}.")
    return tuple(name for name in FAULTS if name in names)


@utm.command("simulate")
@click.option("--tokens", type=_FILE, help=f"A JSON object of UTM IDs and tokens.  [default: instance/{TOKENS_FILE}]")
@_URL
@click.option(
    "--minutes", type=_Number(0, _LONGEST_PLAY, min_open=True), help="How long to play.  [default: until Ctrl-C]"
)
@click.option("--once", is_flag=True, help="One heartbeat and the alerts of the last minute, then end.")
@click.option("--rate", type=_Number(0, 10_000), default=5.0, show_default=True, help="Alerts per minute and UTM.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed plays the same alerts and faults.")
@click.option(
    "--faults",
    default=CALM,
    show_default=True,
    callback=_faults,
    metavar="NAMES",
    help="What goes wrong meanwhile: 'all', or some of the names above with commas between them.",
)
@click.pass_context
def simulate_command(  # noqa: PLR0913  (options are arguments)
    context: click.Context,
    *,
    tokens: Path | None,
    url: str,
    minutes: float | None,
    once: bool,
    rate: float,
    seed: int,
    faults: tuple[str, ...],
) -> None:
    """Play a fleet: heartbeats and alerts of invented UTMs, one for each token.

    \b
    Faults, each dealt to each UTM once before any comes again:
      offline  silent for a while, then all it kept in a burst
      twice    the same lines two times
      broken   lines that are no JSON, have no time or an unknown type
      old      lines of ten years ago
      ahead    lines of three days ahead
      clock    a clock that is hours off
      plain    a body that is not compressed
      cut      a connection lost in the middle of a body

    The table says for each what the portal stored, knew already and refused; what it should not have done is listed and is exit code 1.
    """  # noqa: D301  (click reads the backspace)
    if once and minutes is not None:
        raise click.UsageError("--once and --minutes exclude each other.")
    _check_target(context, url, faults)
    known = tokens_in(tokens or instance() / TOKENS_FILE)
    if not known:
        raise CannotGoOnError("There is no UTM in the tokens file.")
    warn_of_plain_http(url)
    started = datetime.now(UTC)
    try:
        fleet = Fleet(
            [
                # Played once, the faults follow each other; otherwise half of the time all is well.
                Utm(key, client, seed=seed, started=started, faults=faults, calm=0 if once else len(faults))
                for key, client in ((key, DeviceClient(url, secret)) for key, secret in sorted(known.items()))
            ],
            rate=rate,
        )
    except DeviceError as error:
        raise CannotGoOnError(str(error)) from None
    try:
        if once:
            _play_once(fleet, started, faults)
        else:
            _play(fleet, started, minutes)
            fleet.end()
    except KeyboardInterrupt:
        click.echo()  # how a play without an end is ended
    except DeviceError as error:
        raise CannotGoOnError(str(error)) from None
    finally:
        for one in fleet.utms:
            one.client.close()
    click.echo(played_table(url, len(fleet.utms), fleet.played, kept=fleet.kept))
    if not fleet.played.clean:
        raise click.exceptions.Exit(1)


def _check_target(context: click.Context, url: str, faults: tuple[str, ...]) -> None:
    """Keep bad data away from a portal that only some setting names."""
    named = context.get_parameter_source("url") is ParameterSource.COMMANDLINE
    if faults and not named and not is_loopback(url):
        raise click.UsageError(f"--faults sends bad data on purpose: name the portal for it with --url ({url}?).")


def _play_once(fleet: Fleet, started: datetime, faults: tuple[str, ...]) -> None:
    """Play the minute before, cut into a tick for each fault and one in which the silent ones are back."""
    ticks = max(1, len(faults) + ("offline" in faults))
    for number in range(ticks):
        fleet.tick(started - timedelta(minutes=1 - number / ticks), 60 / ticks)


def _play(fleet: Fleet, started: datetime, minutes: float | None) -> None:
    """Tick until the time is over; each tick tells the alerts since the one before."""
    begin, wait = started - timedelta(minutes=1), 0.0
    end = None if minutes is None else started + timedelta(minutes=minutes)
    first = True
    while True:
        now = datetime.now(UTC)
        try:
            wait = fleet.tick(begin, max(0.0, (now - begin).total_seconds()))
        except DeviceError as error:
            # At the start that is a wrong URL or token. Later it is a portal that restarts, which a fleet outlives.
            if first:
                raise
            click.echo(str(error), err=True)
        first, begin = False, now
        left = wait if end is None else min(wait, (end - datetime.now(UTC)).total_seconds())
        if left <= 0:
            return
        time.sleep(left)
