"""``flask utm ship`` and ``flask utm simulate``: what stands beside a UTM, on the command line.

Exit codes: 0 all was taken, 1 something was unreadable or refused, 2 wrong usage or no way to the portal.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import click

from app.shipper.client import DeviceClient, DeviceError
from app.shipper.eve import EveReader
from app.shipper.fleet import Fleet, Utm
from app.shipper.log import Shipped, remembered_shift, ship
from app.shipper.packed import NotReadError
from app.shipper.report import played_table, shipped_table
from app.shipper.state import ShiftStore, StateError

TOKENS_FILE = "demo-tokens.json"
_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_URL = click.option(
    "--url", envvar="PORTAL_URL", default="http://127.0.0.1:8080", show_default=True, help="Where the portal is."
)


class _CannotGoOnError(click.ClickException):
    exit_code = 2


def _instance() -> Path:
    """The folder of what this machine keeps; the same as the portal's own setting."""
    return Path(os.environ.get("PORTAL_INSTANCE") or Path(__file__).resolve().parents[2] / "instance")


@click.group("utm")
def utm() -> None:
    """Send what a UTM sees to the portal, or play a fleet of UTMs."""


@utm.command("ship")
# The only format so far; it is asked for so that a second one changes no command line that is in use.
@click.option(
    "--format", type=click.Choice(["suricata"]), required=True, expose_value=False, help="What wrote the log."
)
@click.option(
    "--file", "path", type=_FILE, required=True, help="The log: EVE JSON lines or arrays; plain, gzip or bzip2."
)
@click.option(
    "--shift-to",
    type=click.Choice(["now"]),
    help="Move the log so that its last alert is now. Remembered per log and UTM.",
)
@_URL
@click.option(
    "--token", help="The UTM's token. Other users of this machine can see it here: better in PORTAL_UTM_TOKEN."
)
@click.option("--utm", "utm_id", help=f"Take the token of this UTM from the demo's {TOKENS_FILE}.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where shifts are remembered.  [default: instance/shipper]",
)
def ship_command(  # noqa: PLR0913  (options are arguments)
    *, path: Path, shift_to: str | None, url: str, token: str | None, utm_id: str | None, state: Path | None
) -> None:
    """Send the alerts of a recorded log. Safe to repeat: the portal stores each alert once."""
    secret = _token(token, utm_id)
    shipped = Shipped()
    reader = EveReader(path)
    try:
        with DeviceClient(url, secret) as client:
            _warn_of_plain_http(url)
            if shift_to:
                shipped.shift = remembered_shift(
                    reader, ShiftStore(state or _instance() / "shipper"), secret, datetime.now(UTC)
                )
            ship(reader, client, shipped)
    except (DeviceError, StateError, NotReadError) as error:
        if shipped.sent.sent:
            click.echo(shipped_table(path, url, shipped))
        raise _CannotGoOnError(str(error)) from None
    except OSError as error:
        raise _CannotGoOnError(f"{path} cannot be read: {error.strerror}.") from None
    click.echo(shipped_table(path, url, shipped))
    if not shipped.clean:
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
    known = _tokens(tokens or _instance() / TOKENS_FILE)
    if not known:
        raise _CannotGoOnError("There is no UTM in the tokens file.")
    _warn_of_plain_http(url)
    started = datetime.now(UTC)
    try:
        fleet = Fleet(
            [Utm(key, DeviceClient(url, secret), seed=seed, started=started) for key, secret in sorted(known.items())],
            rate=rate,
        )
    except DeviceError as error:
        raise _CannotGoOnError(str(error)) from None
    try:
        if once:
            fleet.tick(started - timedelta(minutes=1), 60)
        else:
            _play(fleet, started, minutes)
    except KeyboardInterrupt:
        click.echo()  # how a play without an end is ended
    except DeviceError as error:
        raise _CannotGoOnError(str(error)) from None
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


def _token(token: str | None, utm_id: str | None) -> str:
    if token and utm_id:
        raise click.UsageError("--token and --utm exclude each other.")
    if utm_id:
        path = _instance() / TOKENS_FILE
        if found := _tokens(path).get(utm_id):
            return found
        raise click.UsageError(f"{path} has no token of UTM {utm_id!r}.")
    if found := token or os.environ.get("PORTAL_UTM_TOKEN"):
        return found
    raise click.UsageError("Give the UTM's token: --token, PORTAL_UTM_TOKEN or --utm.")


def _tokens(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise _CannotGoOnError(f"{path} does not exist: the demo writes it.") from None
    except (OSError, ValueError):
        raise _CannotGoOnError(f"{path} cannot be read.") from None
    if not isinstance(known, dict) or not all(isinstance(token, str) for token in known.values()):
        raise _CannotGoOnError(f"{path} is not a JSON object of UTM IDs and tokens.")
    return known


def _warn_of_plain_http(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
        click.echo(f"Warning: {parts.hostname} is called without TLS; others on the way can read the token.", err=True)
