"""The command line: ``flask portal ...`` operates the portal, ``flask utm ...`` acts as a UTM."""

from __future__ import annotations

from flask import Flask

from app.cli.portal import portal
from app.shipper.command import utm


def init_app(app: Flask) -> None:
    """Register the commands."""
    app.cli.add_command(portal)
    app.cli.add_command(utm)
