"""``flask portal``: setting up, upgrading and looking after an installation."""

from __future__ import annotations

import click
from flask.cli import AppGroup

portal = AppGroup("portal", help="Set up, upgrade and look after the portal.")


@portal.command("upgrade")
def upgrade_command() -> None:
    """Migrate the database and bring roles and rights up to date. Safe to run again, and from many hosts at once."""
    from app.cli import upgrade

    upgrade.upgrade()
    click.echo("The database is up to date.")


@portal.command("worker")
def worker_command() -> None:
    """Do the jobs. Ends with SIGTERM after the job it is doing; run as many as there is work for."""
    from app.background import worker

    worker.run()


@portal.command("cron")
def cron_command() -> None:
    """Ask every minute what is due. One is needed; more do no harm."""
    from app.background import cron

    cron.run()


@portal.command("demo")
@click.option(
    "--size",
    type=click.Choice(["small", "bench", "large"]),
    default="small",
    help="small: something of everything. bench and large: 1,000,000 and 10,000,000 alerts in a tenant of their own.",
)
def demo_command(size: str) -> None:
    """Make demo accounts and data, where PORTAL_DEMO=1 allows it. Does nothing where they are."""
    from app.demo import bench, making

    click.echo(making.demo() if size == "small" else bench.demo(size))


@portal.command("create-tenant")
@click.argument("name")
def create_tenant_command(name: str) -> None:
    """Make a tenant called NAME."""
    from app.cli import provision

    click.echo(f"Tenant {provision.create_tenant(name)} has been made.")


@portal.command("create-admin")
@click.argument("email")
@click.option("--name", help="Family name and first name, with a blank between.")
def create_admin_command(email: str, name: str | None) -> None:
    """Make an NEC Admin who signs in as EMAIL, and print the link with which they set their password."""
    from app.cli import provision

    link = provision.create_admin(email, name)
    click.echo("The link is valid for 24 hours and works once. Give it to nobody else:")
    click.echo(link)


@portal.command("roles")
def roles_command() -> None:
    """Print which role may do what, as docs/roles.md has it."""
    from app.cli.roles_table import roles_markdown

    click.echo(roles_markdown(), nl=False)
