"""Screens of customers."""

from __future__ import annotations

from models.errors import N_
from views.customers.customers import CustomerView
from views.customers.deleted import DeletedCustomerView
from views.register import MenuEntry, Place, Rights

SCREENS = (CustomerView, DeletedCustomerView)
RIGHTS = {
    "Customers": Rights(
        N_("Customers"),
        read=("can_list", "can_show", "can_security"),
        write=("can_add", "can_edit", "can_delete"),
        staff=("can_restore",),
        labels={"can_security": N_("View security services")},
    ),
    "DeletedCustomers": Rights(N_("Deleted customers"), staff=("can_list", "can_restore")),
}
MENU = (
    MenuEntry(
        Place.SIDE,
        20,
        N_("Customers"),
        "CustomerView.list",
        ("can_list", "Customers"),
        "building",
        (
            *("CustomerView", "SecurityView", "UtmView", "AlertView", "ImportView", "UtmImportView"),
            *("ContractView", "ContractApplicationView", "ContractChangeView"),
            *("ContractCancellationView", "ContractDeliveryView", "InvoiceView"),
            *("PortalUserView", "CustomerApplicationView"),
        ),
    ),
    MenuEntry(
        Place.STAFF,
        15,
        N_("Deleted customers"),
        "DeletedCustomerView.list",
        ("can_list", "DeletedCustomers"),
        "trash",
    ),
    MenuEntry(Place.HIDDEN, 10, "", "CustomerView.add", ("can_add", "Customers")),
)
