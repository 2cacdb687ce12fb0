"""The step of ``flask portal renew-secrets``."""

from __future__ import annotations

from models.accounts import totp
from models.scope import all_tenants
from models.tenants import identity_provider


def renew() -> tuple[int, int]:
    """Encrypt the stored secrets of authenticator apps and of single sign-on with the present ``SECRET_KEY``.

    It can be repeated, and stopped at any time: all are encrypted in one transaction.

    :returns: how many were encrypted, and how many could be decrypted with no key.
    """
    with all_tenants("the secrets of every tenant and user are encrypted again") as session:
        apps, lost_apps = totp.encrypt_again(session)
        providers, lost_providers = identity_provider.encrypt_again(session)
        session.commit()
    return apps + providers, lost_apps + lost_providers
