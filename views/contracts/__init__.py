"""Screens of contracts."""

from __future__ import annotations

from models.errors import N_
from views.contracts.contract_list import ContractListView
from views.contracts.status import ContractStatusView
from views.register import MenuEntry, Place, Rights

SCREENS = (
    ContractListView,
    ContractStatusView,
)
RIGHTS = {
    "ContractList": Rights(N_("All contracts"), read=("can_list",)),
    "ContractStatus": Rights(N_("Contract status"), read=("can_index",)),
}
MENU = (
    MenuEntry(Place.SIDE, 30, N_("All contracts"), "ContractListView.list", ("can_list", "ContractList"), "file-text"),
    MenuEntry(
        Place.SIDE, 40, N_("Contract status"), "ContractStatusView.index", ("can_index", "ContractStatus"), "receipt"
    ),
)
