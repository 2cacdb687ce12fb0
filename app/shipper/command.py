"""The commands ``flask utm ship`` and ``flask utm simulate``.

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

from app.shipper.adapters import ADAPTERS
from app.shipper.client import DeviceClient, DeviceError, validate_url
from app.shipper.decompression import UnsupportedFileError
from app.shipper.faults import FAULTS, NO_FAULT
from app.shipper.file_pattern import FilePattern
from app.shipper.fleet import REBOOT_SECONDS, Fleet
from app.shipper.report import result_table, simulation_table
from app.shipper.run import ShippingRun
from app.shipper.shipping import describe_read_error
from app.shipper.simulated_utm import SimulatedUtm
from app.shipper.time_shift import StateError
from app.shipper.tokens import (
    TOKENS_FILE,
    CommandFailedError,
    instance,
    is_loopback,
    read_tokens,
    resolve_token,
    warn_about_plain_http,
)

_EXISTING_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_MAX_MINUTES = 366 * 24 * 60  # minutes


class _Log(click.Path):
    """The path of a log, or a pattern of file names."""

    name = "file or pattern"

    def __init__(self) -> None:
        super().__init__(dir_okay=False, readable=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = super().convert(value, param, ctx)
        try:
            return FilePattern(str(path))
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


class _Number(click.FloatRange):
    """A number in a range, which excludes NaN."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def _default_url() -> str:
    """Return the URL at which ``make run`` starts the portal."""
    return f"http://127.0.0.1:{os.environ.get('PORTAL_PORT') or 8080}"


def _checked_url(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        validate_url(value)
    except DeviceError as error:
        raise click.BadParameter(str(error)) from None
    return value


_URL_OPTION = click.option(
    "--url",
    envvar="PORTAL_URL",
    default=_default_url,
    callback=_checked_url,
    help="URL of the portal.  [default: http://127.0.0.1:8080, or the port that PORTAL_PORT says]",
)


@click.group("utm")
def utm() -> None:
    """Send the log of a UTM to the portal, or simulate a fleet of UTMs."""


@utm.command("ship")
@click.option(
    "--format",
    "log_format",
    type=click.Choice(list(ADAPTERS)),
    required=True,
    help="Format of the log: Suricata's EVE JSON (lines or arrays), or syslog messages of a FortiGate (key=value or CEF).",
)
@click.option(
    "--file",
    "patterns",
    type=_Log(),
    required=True,
    multiple=True,
    help="The log; plain, gzip or bzip2. May be given several times, and be a pattern in quotation marks, "
    "as eve-%Y-%m-%d.json or 'eve.*.json'.",
)
@click.option(
    "--follow",
    is_flag=True,
    help="Continue with what is added to the log, and with new files that match a pattern, until Ctrl-C or SIGTERM; log rotation and "
    "outages of the portal are handled. The next run continues where this one ended. Plain lines only.",
)
@click.option(
    "--shift-to",
    type=click.Choice(["now"]),
    help="Shift the times so that the last alert is now. The shift is stored per log and UTM. Not with --follow.",
)
@_URL_OPTION
@click.option("--token", help="The UTM's token. Other users of the machine can see it; PORTAL_UTM_TOKEN is safer.")
@click.option("--utm", "utm_id", help=f"Take the token of this UTM from the demo's {TOKENS_FILE}.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the stored time shifts and positions.  [default: instance/shipper]",
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
def ship_command(  # noqa: PLR0913  (options are arguments)
    *,
    log_format: str,
    patterns: tuple[FilePattern, ...],
    follow: bool,
    shift_to: str | None,
    url: str,
    token: str | None,
    utm_id: str | None,
    state: Path | None,
    quiet: bool,
) -> None:
    """Send the alerts of a log. It can be repeated: the portal stores each alert once.

    \b
    Prints a table of the records that were read, sent, stored and rejected. Exit codes:
      0  everything was read and accepted
      1  something was unreadable or rejected
      2  wrong usage, or the portal cannot be reached
    130  interrupted; the same command continues
    """  # noqa: D301  (click reads the backspace)
    if follow and shift_to:
        raise click.UsageError("--follow and --shift-to exclude each other.")
    for pattern in patterns:
        if not follow and not pattern.paths():
            raise click.UsageError(f"{pattern} does not exist." if pattern.path else f"No file matches {pattern}.")
    run = ShippingRun(
        ADAPTERS[log_format],
        list(patterns),
        url,
        resolve_token(token, utm_id),
        state or instance() / "shipper",
        quiet=quiet,
    )
    warn_about_plain_http(url)
    try:
        if follow:
            run.follow()
        else:
            run.once(shift_to_end_at=datetime.now(UTC) if shift_to else None)
    except KeyboardInterrupt:
        click.echo(result_table(run.files, url, run.result))
        click.echo("Interrupted. The same command continues: the portal stores each alert once.", err=True)
        raise click.exceptions.Exit(130) from None
    except (DeviceError, StateError, UnsupportedFileError, OSError) as error:
        if run.result.records:
            click.echo(result_table(run.files, url, run.result))
        message = (
            describe_read_error(_path_of(error, run), error)
            if isinstance(error, UnsupportedFileError | OSError)
            else str(error)
        )
        raise CommandFailedError(message) from None
    click.echo(result_table(run.files, url, run.result))
    if not run.result.successful:
        raise click.exceptions.Exit(1)


def _path_of(error: UnsupportedFileError | OSError, run: ShippingRun) -> Path:
    """Return the file of an error, which is not in the exception if reading failed."""
    named = getattr(error, "filename", None)
    return Path(named if isinstance(named, str) else str(run.files[0]))


def _faults(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """Parse the names of faults; return them in the order of their documentation."""
    if value in {"all", NO_FAULT}:
        return FAULTS if value == "all" else ()
    names = [name.strip() for name in value.split(",")]
    if unknown := [name for name in names if name not in FAULTS]:
        raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(FAULTS)}; or 'all', or {NO_FAULT!r}.")
    return tuple(name for name in FAULTS if name in names)


@utm.command("simulate")
@click.option(
    "--tokens", type=_EXISTING_FILE, help=f"A JSON object of UTM IDs and tokens.  [default: instance/{TOKENS_FILE}]"
)
@_URL_OPTION
@click.option("--minutes", type=_Number(0, _MAX_MINUTES, min_open=True), help="Duration.  [default: until Ctrl-C]")
@click.option("--once", is_flag=True, help="Send one heartbeat and the alerts of the last minute, then end.")
@click.option("--rate", type=_Number(0, 10_000), default=5.0, show_default=True, help="Alerts per minute and UTM.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same alerts and faults.")
@click.option(
    "--reboot-seconds",
    type=_Number(0, 3600),
    default=REBOOT_SECONDS,
    show_default=True,
    help="How long a UTM is silent when the portal reboots it.",
)
@click.option(
    "--failing-reboots",
    type=_Number(0, 1),
    default=0.0,
    show_default=True,
    help="Share of the reboots that fail, from 0 to 1.",
)
@click.option(
    "--faults",
    default=NO_FAULT,
    show_default=True,
    callback=_faults,
    metavar="NAMES",
    help="Faults to simulate: 'all', or some of the names above, separated by commas.",
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
    reboot_seconds: float,
    failing_reboots: float,
    faults: tuple[str, ...],
) -> None:
    """Simulate a fleet: a UTM for each token sends heartbeats, sample alerts and their hourly counts, and carries out commands.

    On a reboot, the UTM reports that it has started, is silent, sends a heartbeat with the time of the new boot, and reports that it has
    succeeded. It ends when no reboot is left to finish.

    \b
    Faults; each occurs once for each UTM before any is repeated:
      offline  offline for a while, then all alerts at once
      twice    the same lines, counts and command results twice
      restart  a restart of the UTM before it has stored the response; it sends the lines and counts again
      broken   lines with invalid JSON, without time or with an unknown type, and such counts
      old      lines of ten years ago
      ahead    lines of three days ahead
      clock    a clock that is hours off
      slow     a body in pieces with pauses
      plain    an uncompressed body
      cut      a connection that is lost within a body

    The table shows for each fault how many lines the portal stored, recognised as duplicates and rejected. Unexpected outcomes are listed, and
    the exit code is 1.
    """  # noqa: D301  (click reads the backspace)
    if once and minutes is not None:
        raise click.UsageError("--once and --minutes exclude each other.")
    _check_fault_target(context, url, faults)
    known = read_tokens(tokens or instance() / TOKENS_FILE)
    if not known:
        raise CommandFailedError("There is no UTM in the tokens file.")
    warn_about_plain_http(url)
    started = datetime.now(UTC)
    try:
        fleet = Fleet(
            [
                # With --once, every tick has a fault; otherwise half of them.
                SimulatedUtm(
                    key,
                    client,
                    seed=seed,
                    started=started,
                    faults=faults,
                    fault_free_ticks=0 if once else len(faults),
                    failing_reboots=failing_reboots,
                )
                for key, client in ((key, DeviceClient(url, secret)) for key, secret in sorted(known.items()))
            ],
            rate=rate,
            reboot_seconds=reboot_seconds,
        )
    except DeviceError as error:
        raise CommandFailedError(str(error)) from None
    try:
        if once:
            _simulate_once(fleet, started, faults)
        else:
            _simulate(fleet, started, minutes)
        fleet.end(datetime.now(UTC), time.sleep)
    except KeyboardInterrupt:
        click.echo()  # the usual way to end a simulation without --minutes
    except DeviceError as error:
        raise CommandFailedError(str(error)) from None
    finally:
        for one in fleet.utms:
            one.client.close()
    click.echo(simulation_table(url, len(fleet.utms), fleet.result, queued=fleet.queued))
    if not fleet.result.successful:
        raise click.exceptions.Exit(1)


def _check_fault_target(context: click.Context, url: str, faults: tuple[str, ...]) -> None:
    """Refuse to send invalid data to a portal that was not given on the command line."""
    named = context.get_parameter_source("url") is ParameterSource.COMMANDLINE
    if faults and not named and not is_loopback(url):
        raise click.UsageError(f"--faults sends invalid data: give the URL of the portal with --url ({url}?).")


def _simulate_once(fleet: Fleet, started: datetime, faults: tuple[str, ...]) -> None:
    """Simulate the last minute, with a tick for each fault and one in which the offline UTMs reconnect."""
    ticks = max(1, len(faults) + ("offline" in faults))
    for number in range(ticks):
        fleet.tick(started - timedelta(minutes=1 - number / ticks), 60 / ticks)


def _simulate(fleet: Fleet, started: datetime, minutes: float | None) -> None:
    """Run ticks until the duration is over; each sends the alerts since the previous one."""
    begin, wait = started - timedelta(minutes=1), 0.0
    end = None if minutes is None else started + timedelta(minutes=minutes)
    first = True
    while True:
        now = datetime.now(UTC)
        try:
            wait = fleet.tick(begin, max(0.0, (now - begin).total_seconds()))
        except DeviceError as error:
            # In the first tick the URL or token may be wrong. Later, the portal may be restarting.
            if first:
                raise
            click.echo(str(error), err=True)
        first, begin = False, now
        left = wait if end is None else min(wait, (end - datetime.now(UTC)).total_seconds())
        if left <= 0:
            return
        time.sleep(left)
