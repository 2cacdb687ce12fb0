"""申込み招待URL (§8.2.1, §8.2.2 (2)): the URL of the tenant's application form, and its renewal."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from models.db import db
from models.tenants import settings as tenant_settings
from models.tenants import settings_rules
from views.applications.services import ServiceApplicationView
from views.base import PortalView, actor, render
from views.flashes import flash_success
from views.public_applications.links import invitation_url


class InvitationView(PortalView):
    """The page with the invitation URL."""

    route_base = "/service-applications"
    class_permission_name = "ServiceApplications"

    @expose("/invitation")
    @has_access
    def invitation(self) -> str:
        """Show the invitation URL."""
        screen = ServiceApplicationView.of()
        title = gettext("Invitation URL")
        number = tenant_settings.of_tenant(db.session()).invitation_number
        may_renew = screen.may_do("renew_invitation")
        return render(
            "applications/invitation.html",
            title=title,
            crumbs=screen.crumbs(leaf=title),
            url=invitation_url(g.identity.tenant.id, number),
            back_url=screen.list_url(),
            renew_url=url_for("InvitationView.renew_invitation") if may_renew else None,
        )

    @expose("/invitation/renew", methods=["POST"])
    @has_access
    def renew_invitation(self) -> Any:
        """Replace the invitation URL by a new one; the old one does not work any more."""
        settings_rules.renew_invitation(db.session(), by=actor())
        flash_success(gettext("The invitation URL has been renewed."))
        return redirect(url_for("InvitationView.invitation"))
