"""``flask utm ship`` and ``flask utm simulate``: what stands beside a UTM, on the command line.

Exit codes: 0 all was taken, 1 something was unreadable or refused, 2 wrong usage or no way to the portal, 130 interrupted.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from app.shipper.client import DeviceClient, DeviceError
from app.shipper.fleet import Fleet, Utm
from app.shipper.packed import NotReadError
from app.shipper.report import played_table, shipped_table
from app.shipper.run import Run
from app.shipper.state import StateError
from app.shipper.tokens import TOKENS_FILE, CannotGoOnError, instance, token_of, tokens_in, warn_of_plain_http

_LOG = click.Path(dir_okay=False, readable=True, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_URL = click.option(
    "--url", envvar="PORTAL_URL", default="http://127.0.0.1:8080", show_default=True, help="Where the portal is."
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
    "--file", "path", type=_LOG, required=True, help="The log: EVE JSON lines or arrays; plain, gzip or bzip2."
)
@click.option(
    "--follow",
    is_flag=True,
    help="Go on with what is added to the log, until Ctrl-C or SIGTERM, through rotation of the log and absence of the portal. "
    "The next run goes on where this one ended. Plain EVE JSON lines only.",
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
    path: Path,
    follow: bool,
    shift_to: str | None,
    url: str,
    token: str | None,
    utm_id: str | None,
    state: Path | None,
    quiet: bool,
) -> None:
    r"""Send the alerts of a log. Safe to repeat: the portal stores each alert once.

    \b
    Ends with a table of what was read, sent, stored and refused, and with
      0  all was taken, or a log was followed until somebody ended it
      1  something was unreadable or refused
      2  wrong usage, or no way to the portal
    130  interrupted; the same command goes on
    """
    if follow and shift_to:
        raise click.UsageError(
            "--follow and --shift-to exclude each other: a log that is being written is at its own time."
        )
    if not follow and not path.exists():
        raise click.UsageError(f"{path} does not exist.")
    run = Run(path, url, token_of(token, utm_id), state or instance() / "shipper", quiet=quiet)
    warn_of_plain_http(url)
    try:
        if follow:
            run.follow()
        else:
            run.once(shift_to_end_at=datetime.now(UTC) if shift_to else None)
    except KeyboardInterrupt:
        click.echo(shipped_table(path, url, run.shipped))
        click.echo("Interrupted. The same command goes on: the portal stores each alert once.", err=True)
        raise click.exceptions.Exit(130) from None
    except (DeviceError, StateError, NotReadError, OSError) as error:
        if run.shipped.records:
            click.echo(shipped_table(path, url, run.shipped))
        told = f"{path} cannot be read: {error.strerror}." if isinstance(error, OSError) else str(error)
        raise CannotGoOnError(told) from None
    click.echo(shipped_table(path, url, run.shipped))
    if not run.shipped.clean and not follow:
        raise click.exceptions.Exit(1)


@utm.command("simulate")
@click.option("--tokens", type=_FILE, help=f"A JSON object of UTM IDs and tokens.  [default: instance/{TOKENS_FILE}]")
@_URL
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), help="How long to play.  [default: until Ctrl-C]"
)
@click.option("--once", is_flag=True, help="One heartbeat and the alerts of the last minute, then end.")
@click.option(
    "--rate", type=click.FloatRange(0, 10_000), default=5.0, show_default=True, help="Alerts per minute and UTM."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed plays the same alerts.")
def simulate_command(  # noqa: PLR0913  (options are arguments)
    *, tokens: Path | None, url: str, minutes: float | None, once: bool, rate: float, seed: int
) -> None:
    """Play a fleet: heartbeats and alerts of invented UTMs, one for each token."""
    if once and minutes is not None:
        raise click.UsageError("--once and --minutes exclude each other.")
    known = tokens_in(tokens or instance() / TOKENS_FILE)
    if not known:
        raise CannotGoOnError("There is no UTM in the tokens file.")
    warn_of_plain_http(url)
    started = datetime.now(UTC)
    try:
        fleet = Fleet(
            [Utm(key, DeviceClient(url, secret), seed=seed, started=started) for key, secret in sorted(known.items())],
            rate=rate,
        )
    except DeviceError as error:
        raise CannotGoOnError(str(error)) from None
    try:
        if once:
            fleet.tick(started - timedelta(minutes=1), 60)
        else:
            _play(fleet, started, minutes)
    except KeyboardInterrupt:
        click.echo()  # how a play without an end is ended
    except DeviceError as error:
        raise CannotGoOnError(str(error)) from None
    finally:
        for one in fleet.utms:
            one.client.close()
    click.echo(played_table(url, len(fleet.utms), fleet.played))
    if fleet.played.failures or fleet.played.sent.rejected:
        raise click.exceptions.Exit(1)


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
