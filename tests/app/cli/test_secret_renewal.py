"""Replacing SECRET_KEY: what was signed and encrypted with the earlier one stays valid, and can be encrypted again."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.cli.secret_renewal import renew
from models import sealed_secret
from models.accounts import totp
from models.accounts.totp import Totp
from models.tenants import identity_provider
from models.tenants.identity_provider import IdentityProvider
from tests.factories.accounts import TOTP_SECRET
from views.public_applications import links

NEW = "n" * 32


@pytest.fixture
def replace_key(app, monkeypatch):
    """Replace SECRET_KEY; with ``keep`` the earlier one is still accepted."""

    def replace(*, keep: bool):
        earlier = [app.config["SECRET_KEY"]] if keep else []
        monkeypatch.setitem(app.config, "SECRET_KEY", NEW)
        monkeypatch.setitem(app.config, "SECRET_KEY_FALLBACKS", earlier)
        monkeypatch.setitem(sealed_secret._settings, "keys", [each.encode() for each in (NEW, *earlier)])

    return replace


@pytest.fixture
def stored(app, make):
    """The secrets of an app and of a tenant's single sign-on, as they can be decrypted now."""
    user, tenant = make.user(), make.tenant()
    make.totp(user)
    purpose = identity_provider.purpose(tenant.id)
    make.identity_provider(tenant=tenant, client_secret=sealed_secret.seal("client secret", purpose))

    def decrypted():
        make.session.expire_all()
        app_row = make.session.scalars(select(Totp)).one()
        sealed = make.session.scalars(select(IdentityProvider.client_secret)).one()
        return (
            sealed_secret.unseal(app_row.secret, totp.purpose(user.id)),
            sealed_secret.unseal(sealed, purpose),
        )

    return decrypted


def test_another_key_alone_reads_nothing(stored, replace_key):
    assert stored() == (TOTP_SECRET, "client secret")
    replace_key(keep=False)
    assert stored() == (None, None)


def test_after_the_command_the_earlier_key_is_not_needed(app, stored, replace_key):
    replace_key(keep=True)
    assert stored() == (TOTP_SECRET, "client secret")

    told = app.test_cli_runner().invoke(args=["portal", "renew-secrets"])

    app.config["SECRET_KEY_FALLBACKS"].clear()
    sealed_secret._settings["keys"][1:] = []
    assert (told.exit_code, told.output) == (0, "2 secrets have been encrypted with the present key.\n")
    assert stored() == (TOTP_SECRET, "client secret")


def test_secrets_of_an_unknown_key_are_counted_and_kept(app, stored, monkeypatch):
    with monkeypatch.context() as without:
        without.setitem(app.config, "SECRET_KEY", NEW)
        without.setitem(sealed_secret._settings, "keys", [NEW.encode()])
        told = app.test_cli_runner().invoke(args=["portal", "renew-secrets"])
        with app.app_context():
            assert renew() == (0, 2)

    assert (told.exit_code, "2 secrets could not be decrypted" in told.output) == (1, True)
    assert stored() == (TOTP_SECRET, "client secret")


def test_sessions_and_invitations_of_the_earlier_key_are_accepted(app, operator, replace_key):
    with app.test_request_context():
        signed = links.invitation_url(operator.tenant.id, 1).rpartition("/")[2]
    assert operator.get("/").status_code == 200

    replace_key(keep=True)
    with app.test_request_context():
        assert links.read_invitation(signed) == (operator.tenant.id, 1)
    assert operator.get("/").status_code == 200

    app.config["SECRET_KEY_FALLBACKS"].clear()
    with app.test_request_context():
        assert links.read_invitation(signed) is None
