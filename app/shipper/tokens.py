"""Where the commands find the tokens of UTMs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import click

TOKENS_FILE = "demo-tokens.json"


class CannotGoOnError(click.ClickException):
    """There is no way to do what was asked for; the text is one line for the person who did."""

    exit_code = 2


def instance() -> Path:
    """Return the folder of what this machine keeps; the same as the portal's own setting."""
    return Path(os.environ.get("PORTAL_INSTANCE") or Path(__file__).resolve().parents[2] / "instance")


def token_of(token: str | None, utm_id: str | None) -> str:
    """Return the token to use: the one given, the environment's, or the demo's for a UTM.

    :raises click.UsageError: there is none, or more than one.
    """
    if token and utm_id:
        raise click.UsageError("--token and --utm exclude each other.")
    if utm_id:
        path = instance() / TOKENS_FILE
        if found := tokens_in(path).get(utm_id):
            return found
        raise click.UsageError(f"{path} has no token of UTM {utm_id!r}.")
    if found := token or os.environ.get("PORTAL_UTM_TOKEN"):
        return found
    raise click.UsageError("Give the UTM's token: --token, PORTAL_UTM_TOKEN or --utm.")


def tokens_in(path: Path) -> dict[str, str]:
    """Return the tokens of a file by the IDs of their UTMs.

    :raises CannotGoOnError: it is no such file.
    """
    try:
        known = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise CannotGoOnError(f"{path} does not exist: the demo writes it.") from None
    except (OSError, ValueError):
        raise CannotGoOnError(f"{path} cannot be read.") from None
    if not isinstance(known, dict) or not all(isinstance(token, str) for token in known.values()):
        raise CannotGoOnError(f"{path} is not a JSON object of UTM IDs and tokens.")
    return known


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine."""
    try:
        return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}
    except ValueError:
        return False


def warn_of_plain_http(url: str) -> None:
    """Say so when others on the way to the portal can read the token."""
    if url.lower().startswith("http://") and not is_loopback(url):
        click.echo(f"Warning: {url} is called without TLS; others on the way can read the token.", err=True)
