"""The reconciliation of applications, contracts and UTMs."""

from __future__ import annotations

from models.errors import N_
from views.reconciliation.exemption import ExemptionView
from views.reconciliation.reconciliation import ReconciliationView
from views.register import MenuEntry, Place, Rights

SCREENS = (ReconciliationView, ExemptionView)
RIGHTS = {
    "Reconciliation": Rights(
        N_("Reconciliation"),
        read=("can_list",),
        staff=("can_exempt",),
        labels={"can_exempt": N_("Exempt customers from the contract check")},
    )
}
MENU = (
    MenuEntry(
        Place.SIDE,
        35,
        N_("Reconciliation"),
        "ReconciliationView.list",
        ("can_list", "Reconciliation"),
        "list-check",
        ("ReconciliationView", "ExemptionView"),
    ),
)
