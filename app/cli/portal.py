"""``flask portal``: setting up, upgrading and looking after an installation."""

from __future__ import annotations

import click
from flask.cli import AppGroup

portal = AppGroup("portal", help="Set up, upgrade and look after the portal.")


@portal.command("upgrade")
def upgrade_command() -> None:
    """Migrate the database and bring roles and rights up to date. Safe to run again, and from many hosts at once."""
    from app import upgrading

    upgrading.upgrade()
    click.echo("The database is up to date.")
