"""``flask db``: the commands of Flask-Migrate.

Flask-Migrate loads Alembic, which takes a twentieth of the start of a process. So only these commands and
``flask portal upgrade`` load it.
"""

from __future__ import annotations

from typing import Any

import click
from flask import Flask

from models.db import db


class MigrationCommands(click.Command):
    """Stands for the group of Flask-Migrate, which is loaded when it is called."""

    def __init__(self, app: Flask) -> None:
        super().__init__("db", help="Perform database migrations.")
        self._app = app

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Return the context of a call of the group itself, with its options and commands."""
        return load(self._app).make_context(info_name, args, parent, **extra)


def load(app: Flask) -> click.Group:
    """Set up Flask-Migrate, and return its group of commands."""
    from flask_migrate import Migrate
    from flask_migrate.cli import db as commands

    if "migrate" not in app.extensions:
        Migrate(app, db, directory=str(app.config["MIGRATIONS"]))
    return commands
