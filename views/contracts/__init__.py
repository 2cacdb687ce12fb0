"""Screens of contracts."""

from __future__ import annotations

from models.errors import N_
from views.contracts.application import ContractApplicationView
from views.contracts.cancellation import ContractCancellationView
from views.contracts.change import ContractChangeView
from views.contracts.contracts import ContractView
from views.contracts.delivery import ContractDeliveryView
from views.register import Rights

SCREENS = (
    ContractApplicationView,
    ContractView,
    ContractChangeView,
    ContractCancellationView,
    ContractDeliveryView,
)
RIGHTS = {
    "Contracts": Rights(
        N_("Contracts"),
        read=("can_show",),
        write=("can_add", "can_edit", "can_cancel", "can_undo"),
        staff=("can_void", "can_stop_renewal", "can_deliver"),
        words={
            "can_cancel": N_("Cancel contracts"),
            "can_undo": N_("Undo cancellations"),
            "can_void": N_("Void contracts made by mistake"),
            "can_stop_renewal": N_("Stop automatic renewal"),
            "can_deliver": N_("Record deliveries"),
        },
    )
}
