"""Single sign-on: from the e-mail address to the provider of its tenant, and back with a session.

The pages say nothing about which users exist. No transaction is open while a provider is asked.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from flask import current_app, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from redis import RedisError
from wtforms.validators import InputRequired

from models import clock
from models.accounts import provider_client, single_sign_on
from models.accounts.identity import SignedIn
from models.accounts.provider_client import TokenRefused
from models.accounts.provider_http import Network, ProviderError
from models.accounts.single_sign_on import Provider, SignInRefused
from models.accounts.user import EMAIL_LENGTH
from models.db import db
from models.scope import all_tenants, tenant_session
from models.tenants import identity_domain, identity_provider
from views.accounts import single_sign_on_flow
from views.accounts.sign_in import open_session, record_origin
from views.accounts.single_sign_on_flow import Flow
from views.base import PortalView, actor, render
from views.forms.fields import EmailAddressField, MaxLength, ValidEmail

EXPIRED = lazy_gettext("This sign-in has expired or was already completed. Please start again.")
REFUSED = lazy_gettext(
    "You could not be signed in. Ask your administrator whether you are a user of this portal, with the email address that"
    " your organisation's sign-in service knows."
)
UNAVAILABLE = lazy_gettext(
    "Your organisation's sign-in service cannot be reached or does not answer as expected. Please try again later."
)
NOT_NOW = lazy_gettext("Single sign-on is not available at the moment. Please try again later.")

_MAX_CODE = 4_000

log = logging.getLogger(__name__)


class SingleSignOnForm(FlaskForm):
    """The email address, whose domain determines the provider."""

    email = EmailAddressField(
        lazy_gettext("Email address"),
        [InputRequired(lazy_gettext("Enter the email address.")), MaxLength(EMAIL_LENGTH), ValidEmail()],
        render_kw={"autocomplete": "username"},
    )


class SingleSignOnView(PortalView):
    """The page for the address, and the page that providers lead back to."""

    route_base = "/single-sign-on"
    class_permission_name = "SingleSignOn"

    @expose("/", methods=["GET", "POST"])
    def start(self) -> Any:
        """Ask for the email address, and lead to the provider of its domain."""
        if current_user.is_authenticated:
            return redirect(url_for("HomeView.index"))
        db.session.rollback()
        form = SingleSignOnForm()
        if not form.validate_on_submit():
            return _page(form=form), 422 if form.is_submitted() else 200
        try:
            provider = _provider_of(form.email.data)
            if provider is None:
                form.email.errors = [gettext("Single sign-on is not set up for this email address.")]
                return _page(form=form), 422
            return _lead_to(provider, form.email.data)
        except ProviderError as error:
            _warn(error, form.email.data.rpartition("@")[2])
            return _page(problem=UNAVAILABLE), 502
        except RedisError:
            return _page(problem=NOT_NOW), 503

    @expose("/<string:tenant_id>/callback", methods=["GET"])
    def callback(self, tenant_id: str) -> Any:
        """Sign in the person with whom a provider has led back."""
        if current_user.is_authenticated:
            return redirect(url_for("HomeView.index"))
        db.session.rollback()
        try:
            flow = single_sign_on_flow.take(request.args.get("state", ""))
            if flow is None or flow.tenant_id != tenant_id:
                return _page(problem=EXPIRED), 400
            person = _sign_in(flow)
        except ProviderError as error:
            _warn(error, tenant_id)
            return _page(problem=UNAVAILABLE), 502
        except RedisError:
            return _page(problem=NOT_NOW), 503
        if person is None:
            return _page(problem=REFUSED), 403
        return open_session(person, flow.wanted, tenant_id=flow.tenant_id)


def network() -> Network:
    """Return which providers the settings allow to ask."""
    return Network(
        allow_private=current_app.config["SINGLE_SIGN_ON_PRIVATE_PROVIDERS"],
        allow_http=not current_app.config["PRODUCTION"],
        ca_file=current_app.config["SINGLE_SIGN_ON_CA_FILE"],
    )


def _provider_of(email: str) -> Provider | None:
    """Return the provider for an email address, None if its domain has none."""
    domain = identity_domain.domain_of(email)
    with all_tenants("an address determines the tenant whose provider is asked") as session:
        tenant_id = identity_provider.tenant_of_domain(session, domain) if domain is not None else None
        return _provider(session, tenant_id) if tenant_id is not None else None


def _provider(session: Any, tenant_id: str) -> Provider | None:
    return single_sign_on.find_provider(
        session,
        tenant_id,
        portal_url=current_app.config["PORTAL_URL"],
        network=network(),
    )


def _lead_to(provider: Provider, email: str) -> str:
    """Return the page that leads to a provider.

    It is not a redirect: the Content-Security-Policy of the form's page would stop one to another site.
    """
    start = provider_client.start(provider.client, email=email)
    wanted = {name: request.args[name] for name in ("next", "draft") if name in request.args}
    single_sign_on_flow.keep(provider.tenant_id, start, wanted)
    return _page(url=start.url, label=provider.label)


def _sign_in(flow: Flow) -> SignedIn | None:
    """Return whom a provider has authenticated, with a new session; None if the sign-in is refused."""
    with tenant_session(flow.tenant_id) as session:
        provider = _provider(session, flow.tenant_id)
    if provider is None:
        return None
    email = ""
    try:
        claims = provider_client.finish(
            provider.client,
            code=_code(),
            iss=request.args.get("iss"),
            nonce=flow.nonce,
            verifier=flow.verifier,
        )
        email = "".join(each for each in str(claims.get("email", "")) if each.isprintable())
        found = provider_client.person(claims, provider.domains, trusts_addresses=provider.trusts_addresses)
        with tenant_session(provider.tenant_id) as session, session.begin():
            signed_in = single_sign_on.sign_in(session, provider.tenant_id, found, now=clock.utc_now(), by=actor())
            record_origin(session, signed_in)
            return signed_in
    except (TokenRefused, SignInRefused) as refused:
        user_id = refused.user_id if isinstance(refused, SignInRefused) else None
        # Only the address of a user counts as a name: the provider could send any.
        by = replace(actor(), name=email if user_id is not None else "anonymous", user_id=user_id)
        with tenant_session(provider.tenant_id) as session, session.begin():
            single_sign_on.record_refusal(session, provider, refused.reason, by=by, email=email)
    return None


def _code() -> str:
    """Return the code that the provider has given.

    :raises TokenRefused: it has given an error instead: the person has cancelled, or may not use the portal.
    """
    code = request.args.get("code", "")
    if not code or len(code) > _MAX_CODE or "error" in request.args:
        raise TokenRefused("refused_by_provider")
    return code


def _warn(error: ProviderError, of: str) -> None:
    log.warning("a provider cannot be used", extra={"of": of, "error": str(error)})


def _page(*, form: Any = None, problem: Any = "", url: str = "", label: str = "") -> str:
    return render("accounts/single_sign_on.html", form=form, problem=problem, url=url, label=label)
