"""The two demo tenants and their customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app.demo.plan import WITHOUT_UTM, YEARLY, ContractPlan, CustomerPlan, Term, UtmPlan
from app.demo.words import LONG_NAME

_NOW = timedelta(seconds=20)
_RUNNING = (ContractPlan(Term.RUNNING, 14),)


@dataclass(frozen=True, slots=True)
class TenantPlan:
    """A planned tenant with its customers, in the order of their IDs.

    :ivar address: the email address for its notifications.
    """

    name: str
    address: str
    customers: tuple[CustomerPlan, ...]


_SHOWCASE = (
    CustomerPlan(
        (ContractPlan(Term.RUNNING, 14, quantity=4, grown=2),),
        (
            UtmPlan("001", "本社", _NOW, alerts=1_200, mac_set=True),
            UtmPlan("002", "駅前支店", _NOW, alerts=700, mac_set=True),
            UtmPlan("003", "配送センター", timedelta(hours=3), alerts=400),
            UtmPlan("004", "新店舗（設置前）", None),
        ),
    ),
    CustomerPlan(
        (ContractPlan(Term.RUNNING, 26, quantity=2),),
        (
            UtmPlan("011", "本社 1階", _NOW, alerts=600, mac_set=True),
            UtmPlan("012", "本社 2階", timedelta(days=2), alerts=300),
            UtmPlan("013", "旧事務所", timedelta(days=5), alerts=350, mac_set=True, removed=True),
        ),
    ),
    CustomerPlan(
        (ContractPlan(Term.RUNNING, 5),), (UtmPlan("021", "事務所", _NOW, alerts=500, mac_set=True),), name=LONG_NAME
    ),
    CustomerPlan((ContractPlan(Term.RUNNING, 8),), (UtmPlan("031", "工場", _NOW, alerts=450),)),
    CustomerPlan((ContractPlan(Term.RUNNING, 11),), (UtmPlan("041", "店舗", timedelta(days=9), alerts=300),)),
    # Its UTM was defective and has been exchanged.
    CustomerPlan(
        (ContractPlan(Term.RUNNING, 3),),
        (
            UtmPlan("050", "本社", timedelta(days=4), alerts=150),
            UtmPlan("051", "本社", _NOW, alerts=350, mac_set=True, replaces="050"),
        ),
    ),
    # Its UTM is in transit.
    CustomerPlan(
        (ContractPlan(Term.RUNNING, 1, setup=True, ships=True, slip="5071-3320-0146"),),
        (UtmPlan("061", "事務所（設置前）", None),),
    ),
    # A UTM can be registered for these two.
    CustomerPlan((ContractPlan(Term.RUNNING, 1, setup=True, ships=True),)),
    CustomerPlan((ContractPlan(Term.TO_COME, 1, setup=True, ships=True),)),
    # No UTM can be registered for these two: a contract without a UTM, and no contract.
    CustomerPlan((ContractPlan(Term.RUNNING, 6, WITHOUT_UTM, visits=2),)),
    CustomerPlan(),
    CustomerPlan((ContractPlan(Term.LEAVING, 15),)),
    CustomerPlan((ContractPlan(Term.CANCELLED, 9),)),
    CustomerPlan((ContractPlan(Term.EXPIRED, 16),)),
    CustomerPlan((ContractPlan(Term.CANCELLED, 20), ContractPlan(Term.RUNNING, 4))),
    CustomerPlan(
        (
            ContractPlan(Term.RUNNING, 18, grown=4, quantity=2),
            ContractPlan(Term.RUNNING, 7, WITHOUT_UTM),
            ContractPlan(Term.VOID, 2),
        )
    ),
)
_MORE = (
    *(CustomerPlan((ContractPlan(Term.RUNNING, months),)) for months in (2, 4, 7, 9, 10, 12, 17, 21, 23, 30)),
    # Billed yearly, most recently one and two months ago.
    *(CustomerPlan((ContractPlan(Term.RUNNING, months, rate_plan=YEARLY),)) for months in (13, 26)),
    *(CustomerPlan((ContractPlan(Term.RUNNING, months, WITHOUT_UTM),)) for months in (2, 6, 12, 19)),
    CustomerPlan((ContractPlan(Term.TO_COME, 2, WITHOUT_UTM),)),
    CustomerPlan((ContractPlan(Term.LEAVING, 7, WITHOUT_UTM),)),
    CustomerPlan((ContractPlan(Term.CANCELLED, 12),)),
    CustomerPlan((ContractPlan(Term.EXPIRED, 13, WITHOUT_UTM),)),
    *(CustomerPlan() for _ in range(4)),
)

TENANTS = (
    TenantPlan("サンプルパートナー", "notices@sample-partner.example.jp", (*_SHOWCASE, *_MORE)),
    TenantPlan(
        "テストパートナー",
        "notices@test-partner.example.jp",
        (
            CustomerPlan(_RUNNING, (UtmPlan("101", "本社", _NOW, alerts=400, mac_set=True),)),
            CustomerPlan((ContractPlan(Term.RUNNING, 6),), (UtmPlan("111", "店舗", timedelta(hours=7), alerts=300),)),
            CustomerPlan((ContractPlan(Term.RUNNING, 10, WITHOUT_UTM),)),
            CustomerPlan(),
        ),
    ),
)

UTMS = tuple(utm for tenant in TENANTS for customer in tenant.customers for utm in customer.utms)
"""Every UTM of the demo."""
