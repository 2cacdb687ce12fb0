"""How a tenant's public pages look: its display name, colour, contact and logo (§5.4.1).

The colour is served as a stylesheet that depends on nothing but the colour, since the Content-Security-Policy admits no
inline style.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Response, abort, url_for
from flask_appbuilder import expose
from sqlalchemy.orm import Session

from models.tenants import logo_rules
from models.tenants import settings as tenant_settings
from models.tenants.settings import TenantSettings
from models.tenants.tenant import Tenant
from models.values.colour import is_colour, readable, text_on
from views.base import PortalView

_YEAR = 365 * 24 * 60 * 60

_STYLE = """\
:root {{
  --brand: {colour};
  --brand-text: {text};
  --portal-accent: {readable};
  --tblr-primary: {readable};
  --tblr-primary-darken: {readable};
}}
"""


class Brand(NamedTuple):
    """What the layout of the public pages shows of a tenant.

    :ivar logo_url: None without a logo.
    """

    name: str
    contact: str
    style_url: str
    logo_url: str | None


def brand_of(session: Session, tenant_id: str, settings: TenantSettings | None = None) -> Brand:
    """Return how the pages of the session's tenant look.

    :param settings: the tenant's settings, if they have been read already.
    """
    settings = settings or tenant_settings.of_tenant(session)
    return Brand(
        name=settings.display_name or session.get_one(Tenant, tenant_id).name,
        contact=settings.contact,
        style_url=url_for("BrandView.style", colour=settings.colour.removeprefix("#")),
        logo_url=url_for("BrandView.logo", logo_hash=settings.logo_hash) if settings.logo_hash else None,
    )


class BrandView(PortalView):
    """The stylesheets and logos of the public pages."""

    route_base = "/brand"
    class_permission_name = "Brand"

    @expose("/colour-<string:colour>.css")
    def style(self, colour: str) -> Response:
        """Return the stylesheet of a colour."""
        chosen = f"#{colour}"
        if not is_colour(chosen):
            abort(404)
        style = _STYLE.format(colour=chosen, text=text_on(chosen), readable=readable(chosen))
        return _lasting(style, "text/css")

    @expose("/logo-<string:logo_hash>.png")
    def logo(self, logo_hash: str) -> Response:
        """Return a logo. Its URL changes with its content."""
        logo = logo_rules.by_hash(logo_hash)
        if not logo_hash or logo is None:
            abort(404)
        return _lasting(logo, "image/png")


def _lasting(content: Any, mimetype: str) -> Response:
    response = Response(content, mimetype=mimetype)
    response.cache_control.public = True
    response.cache_control.max_age = _YEAR
    response.cache_control.immutable = True
    return response
