"""``flask portal``: set up, upgrade and run an installation."""

from __future__ import annotations

import click
from flask.cli import AppGroup

portal = AppGroup("portal", help="Set up, upgrade and run the portal.")


@portal.command("upgrade")
def upgrade_command() -> None:
    """Migrate the database and update roles and permissions. Safe to repeat, and to run on many hosts at once."""
    from app.cli import upgrade

    upgrade.upgrade()
    click.echo("The database is up to date.")


@portal.command("worker")
def worker_command() -> None:
    """Run background jobs. On SIGTERM, finish the current job first. Start as many workers as needed."""
    from app.background import worker

    worker.run()


@portal.command("cron")
def cron_command() -> None:
    """Enqueue the due jobs every minute. One process is required; more are harmless."""
    from app.background import cron

    cron.run()


@portal.command("demo")
@click.option(
    "--size",
    type=click.Choice(["small", "bench", "large"]),
    default="small",
    help="small: a bit of everything. bench and large: a separate tenant with 1,000,000 or 10,000,000 alerts.",
)
def demo_command(size: str) -> None:
    """Create demo accounts and data if PORTAL_DEMO=1 is set. Does nothing if they exist."""
    from app.demo import bench, creation

    click.echo(creation.create_demo() if size == "small" else bench.create_demo(size))


@portal.command("create-tenant")
@click.argument("name")
def create_tenant_command(name: str) -> None:
    """Create a tenant called NAME."""
    from app.cli import provision

    click.echo(f"Tenant {provision.create_tenant(name)} has been created.")


@portal.command("create-admin")
@click.argument("email")
@click.option("--name", help="Family name and first name, separated by a blank.")
def create_admin_command(email: str, name: str | None) -> None:
    """Create an NEC Admin who signs in as EMAIL, and print the link for setting their password."""
    from app.cli import provision

    link = provision.create_admin(email, name)
    click.echo("The link is valid for 24 hours and works once. Do not give it to anybody else:")
    click.echo(link)


@portal.command("renew-secrets")
def renew_secrets_command() -> None:
    """Encrypt all stored secrets with the present SECRET_KEY, so that SECRET_KEY_FALLBACKS can be removed."""
    from app.cli import secret_renewal

    encrypted, lost = secret_renewal.renew()
    click.echo(f"{encrypted} secrets have been encrypted with the present key.")
    if lost:
        raise click.ClickException(f"{lost} secrets could not be decrypted with any of the keys.")


@portal.command("roles")
def roles_command() -> None:
    """Print the permissions of each role, in the format of docs/roles.md."""
    from app.cli.roles_table import roles_markdown

    click.echo(roles_markdown(), nl=False)


@portal.command("settings")
def settings_command() -> None:
    """Print all settings, in the format of docs/settings.md."""
    from app.cli.settings_table import settings_markdown

    click.echo(settings_markdown(), nl=False)


@portal.group("rollups")
def rollups_group() -> None:
    """Counts of alerts for lists and charts."""


@rollups_group.command("rebuild")
def rebuild_command() -> None:
    """Count all stored alerts anew, month by month. Storing alerts waits while a month is counted."""
    from app.cli import rollups

    for month in rollups.rebuild():
        click.echo(f"{month:%Y-%m}")


@portal.group("audit")
def audit_group() -> None:
    """The audit log."""


@audit_group.command("verify")
@click.option(
    "--heads",
    type=click.Path(exists=True, dir_okay=False),
    help="A file of signed heads; by default that of the setting AUDIT_HEADS_FILE.",
)
@click.option(
    "--without-heads",
    is_flag=True,
    help="Accept chains that have no signed head yet: all of a new installation, and those of new tenants.",
)
def verify_command(heads: str | None, *, without_heads: bool) -> None:
    """Look for changed and missing entries of the audit log, and print them.

    The exit code is 1 if there are any. It is 3 if there are none, but a chain has no signed head to be compared with: then
    nothing proves that its end was not cut off.
    """
    from app.cli.audit_log import Verification

    verification = Verification(heads)
    problems = 0
    for problem in verification.problems():
        problems += 1
        click.echo(problem)
    gaps = list(verification.gaps())
    for gap in gaps:
        click.echo(gap)
    if problems:
        raise SystemExit(1)
    if gaps:
        click.echo("Apart from this, the audit log is complete and unchanged.")
        raise SystemExit(0 if without_heads else 3)
    click.echo("The audit log is complete and unchanged.")
