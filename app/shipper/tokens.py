"""Finds the API tokens of UTMs for the commands."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import click

TOKENS_FILE = "demo-tokens.json"


class CommandFailedError(click.ClickException):
    """The command cannot be carried out; the text is one line for the user."""

    exit_code = 2


def instance() -> Path:
    """Return the folder for the data of this installation, from the same setting as the portal's."""
    return Path(os.environ.get("PORTAL_INSTANCE") or Path(__file__).resolve().parents[2] / "instance")


def resolve_token(token: str | None, utm_id: str | None) -> str:
    """Return the token to use: from the option, the environment, or the demo's tokens file.

    :raises click.UsageError: no token was given, or more than one.
    """
    if token and utm_id:
        raise click.UsageError("--token and --utm exclude each other.")
    if utm_id:
        path = instance() / TOKENS_FILE
        if found := read_tokens(path).get(utm_id):
            return found
        raise click.UsageError(f"{path} has no token of UTM {utm_id!r}.")
    if found := token or os.environ.get("PORTAL_UTM_TOKEN"):
        return found
    raise click.UsageError("Give the UTM's token: --token, PORTAL_UTM_TOKEN or --utm.")


def read_tokens(path: Path) -> dict[str, str]:
    """Return the tokens in a file, by UTM ID.

    :raises CommandFailedError: the file is missing or invalid.
    """
    try:
        known = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise CommandFailedError(f"{path} does not exist: the demo writes it.") from None
    except (OSError, ValueError):
        raise CommandFailedError(f"{path} cannot be read.") from None
    if not isinstance(known, dict) or not all(isinstance(token, str) for token in known.values()):
        raise CommandFailedError(f"{path} is not a JSON object of UTM IDs and tokens.")
    return known


def is_loopback(url: str) -> bool:
    """Whether a URL refers to this machine."""
    try:
        return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}
    except ValueError:
        return False


def warn_about_plain_http(url: str) -> None:
    """Print a warning if the token would be sent unencrypted over the network."""
    if url.lower().startswith("http://") and not is_loopback(url):
        click.echo(f"Warning: {url} is called without TLS; others on the way can read the token.", err=True)
