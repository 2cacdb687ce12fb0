"""Screens for service applications and UTM applications (申込管理, §8)."""

from __future__ import annotations

from models.errors import N_
from views.applications.download import ServiceDownloadView
from views.applications.extra_questions import ApplicationFieldView
from views.applications.form_link import utm_form
from views.applications.invitation import InvitationView
from views.applications.of_customer import CustomerApplicationView
from views.applications.service_decisions import ServiceDecisionView
from views.applications.services import ServiceApplicationView
from views.applications.utm_decisions import UtmDecisionView
from views.applications.utms import UtmApplicationView
from views.register import MenuEntry, Place, Rights

SCREENS = (
    ApplicationFieldView,
    ServiceApplicationView,
    ServiceDecisionView,
    ServiceDownloadView,
    InvitationView,
    UtmApplicationView,
    UtmDecisionView,
    CustomerApplicationView,
)
SHARED_LINKS = (utm_form,)
RIGHTS = {
    "ApplicationFields": Rights(
        N_("Service application: additional items"),
        staff=("can_list", "can_add", "can_edit", "can_move", "can_retire", "can_restore"),
        labels={"can_move": N_("Change the order"), "can_retire": N_("Retire")},
    ),
    "ServiceApplications": Rights(
        N_("Service applications"),
        read=("can_list", "can_show", "can_download", "can_invitation"),
        write=("can_approve", "can_deny", "can_hold", "can_renew_invitation"),
        labels={
            "can_approve": N_("Approve"),
            "can_deny": N_("Deny"),
            "can_hold": N_("Put on hold"),
            "can_download": N_("Download"),
            "can_invitation": N_("Show the invitation URL"),
            "can_renew_invitation": N_("Renew the invitation URL"),
        },
    ),
    "UtmApplications": Rights(
        N_("Additional UTM applications"),
        read=("can_list", "can_show"),
        write=("can_approve", "can_deny"),
    ),
    "CustomerApplications": Rights(
        N_("Applications of a customer"),
        read=("can_service_application", "can_utm_applications"),
        write=("can_change_answers",),
        labels={
            "can_service_application": N_("View the service application"),
            "can_utm_applications": N_("View the UTM applications"),
            "can_change_answers": N_("Update the additional information"),
        },
    ),
}
MENU = (
    MenuEntry(
        Place.SIDE,
        25,
        N_("Applications"),
        "ServiceApplicationView.list",
        ("can_list", "ServiceApplications"),
        "clipboard-list",
        ("ServiceApplicationView", "UtmApplicationView", "InvitationView"),
    ),
)
