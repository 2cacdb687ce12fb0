"""Screens of contracts, the catalogue and billing."""

from __future__ import annotations

from models.errors import N_
from views.contracts.application import ContractApplicationView
from views.contracts.billing import BillingView, CorrectionView, TenantInvoiceView
from views.contracts.cancellation import ContractCancellationView
from views.contracts.catalogue import ProductView, RatePlanView
from views.contracts.change import ContractChangeView
from views.contracts.charges import ChargeView, WholesalePriceView
from views.contracts.contract_list import ContractListView
from views.contracts.contracts import ContractView
from views.contracts.delivery import ContractDeliveryView
from views.contracts.invoices import InvoiceView
from views.contracts.status import ContractStatusView
from views.contracts.usage import UsageView
from views.register import MenuEntry, Place, Rights

SCREENS = (
    ContractListView,
    ContractStatusView,
    ContractApplicationView,
    ContractView,
    ContractChangeView,
    ContractCancellationView,
    ContractDeliveryView,
    ProductView,
    RatePlanView,
    ChargeView,
    WholesalePriceView,
    InvoiceView,
    BillingView,
    TenantInvoiceView,
    CorrectionView,
    UsageView,
)
RIGHTS = {
    "AllInvoices": Rights(
        N_("All invoices"), staff=("can_list", "can_mark_paid"), labels={"can_mark_paid": N_("Mark as paid")}
    ),
    "Billing": Rights(
        N_("Monthly billing"), staff=("can_list", "can_issue"), labels={"can_issue": N_("Issue invoices")}
    ),
    "Catalogue": Rights(
        N_("Products and prices"),
        staff=("can_list", "can_show", "can_add", "can_edit", "can_delete", "can_retire", "can_reactivate"),
        labels={"can_retire": N_("Stop selling"), "can_reactivate": N_("Sell again")},
    ),
    "ContractList": Rights(N_("All contracts"), read=("can_list",)),
    "ContractStatus": Rights(N_("Contract status"), read=("can_index",)),
    "Contracts": Rights(
        N_("Contracts"),
        read=("can_show",),
        write=("can_add", "can_edit", "can_cancel", "can_undo"),
        staff=("can_void", "can_stop_renewal", "can_deliver"),
        labels={
            "can_cancel": N_("Cancel contracts"),
            "can_undo": N_("Undo cancellations"),
            "can_void": N_("Void contracts made by mistake"),
            "can_stop_renewal": N_("Stop automatic renewal"),
            "can_deliver": N_("Record deliveries"),
        },
    ),
    "Corrections": Rights(N_("Corrections"), staff=("can_list", "can_show", "can_add")),
    "Invoices": Rights(
        N_("Invoices"),
        read=("can_list", "can_show", "can_lines"),
        labels={"can_lines": N_("Download the lines of an invoice")},
    ),
    "Usage": Rights(
        N_("Usage"),
        staff=("can_list", "can_enter", "can_read_file"),
        labels={"can_enter": N_("Enter usage"), "can_read_file": N_("Import usage")},
    ),
}
MENU = (
    MenuEntry(Place.SIDE, 30, N_("All contracts"), "ContractListView.list", ("can_list", "ContractList"), "file-text"),
    MenuEntry(
        Place.SIDE, 40, N_("Contract status"), "ContractStatusView.index", ("can_index", "ContractStatus"), "receipt"
    ),
    MenuEntry(
        Place.SIDE,
        70,
        N_("Billing"),
        "BillingView.list",
        ("can_list", "Billing"),
        "file-invoice",
        ("BillingView", "TenantInvoiceView", "CorrectionView", "UsageView"),
    ),
    MenuEntry(
        Place.STAFF,
        30,
        N_("Products"),
        "ProductView.list",
        ("can_list", "Catalogue"),
        "package",
        ("ProductView", "RatePlanView", "ChargeView", "WholesalePriceView"),
    ),
)
UPLOADS = ("UsageView.read_file",)
