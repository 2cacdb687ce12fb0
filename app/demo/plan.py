"""The content of the demo: the customers with their contracts and UTMs.

The first customers of the first tenant each demonstrate a particular case; the others make the lists long. Dates are
relative to today, so that the demo is always current on the day it is created.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, auto

from models import clock
from models.contracts.contract import ContractStatus
from models.contracts.terms import term_end
from models.customers.customer import CustomerStatus

WITH_UTM = "見守りサービス UTMスタンダード"
WITHOUT_UTM = "見守りサービス ヘルプデスク"
PRODUCTS = {WITH_UTM: True, WITHOUT_UTM: False}
"""The products: name, and whether the product includes a UTM."""

MONTHLY = "月額プラン"
YEARLY = "年額プラン"
SETUP = "初期設定"
TERM_MONTHS = 12
"""The length of the first and of every further term."""


class Term(Enum):
    """The stage of a contract."""

    RUNNING = auto()
    TO_COME = auto()
    LEAVING = auto()
    """Cancelled, but in force until its last day."""
    CANCELLED = auto()
    EXPIRED = auto()
    VOID = auto()
    """Created by mistake."""


@dataclass(frozen=True, slots=True)
class ContractPlan:
    """A planned contract.

    :ivar months: how many months ago it started; for ``TO_COME``, in how many months it will start.
    :ivar rate_plan: the rate plan of its lines.
    :ivar quantity: the number of units.
    :ivar grown: how many months ago its quantity changed from 1 to the current one; None if it never changed.
    :ivar setup: whether it started with a one-off set-up fee.
    :ivar ships: whether NEC ships the UTM.
    :ivar slip: the tracking number of the shipment, if there is one.
    :ivar visits: the number of help desk visits last month, which are billed by usage.
    """

    term: Term
    months: int
    product: str = WITH_UTM
    rate_plan: str = MONTHLY
    quantity: int = 1
    grown: int | None = None
    setup: bool = False
    ships: bool = False
    slip: str = ""
    visits: int = 0

    @property
    def counts(self) -> bool:
        """Whether the rules take it into account. A void contract was created by mistake."""
        return self.term is not Term.VOID

    def dates(self, today: date) -> tuple[date, date, ContractStatus]:
        """Return the first day, the last day and the status, as the rules would have set them by today.

        :param today: the day in Asia/Tokyo.
        """
        this_month = clock.month_start(today)
        if self.term is Term.TO_COME:
            start = clock.months_before(this_month, -self.months)
            return start, _last_day(start, TERM_MONTHS), ContractStatus.ACTIVE
        start = clock.months_before(this_month, self.months)
        match self.term:
            case Term.RUNNING | Term.VOID:
                # A term of one year, renewed by a year each time.
                end = term_end(start, TERM_MONTHS, TERM_MONTHS, self.months // TERM_MONTHS)
                return start, end, ContractStatus.ACTIVE if self.counts else ContractStatus.VOID
            case Term.LEAVING:
                return start, _last_day(this_month, 2), ContractStatus.CANCELLED
            case Term.CANCELLED:
                return start, _last_day(start, max(1, self.months - 2)), ContractStatus.CANCELLED
            case _:
                return start, _last_day(start, TERM_MONTHS), ContractStatus.EXPIRED


@dataclass(frozen=True, slots=True)
class UtmPlan:
    """A planned UTM.

    :ivar key: the last three digits of its UTM ID, the same in every demo.
    :ivar last_seen: how long ago it was last seen, None if never.
    :ivar alerts: the number of its alerts in the last 30 days.
    :ivar replaces: the key of the UTM, planned before it, that it was exchanged for; empty for none.
    """

    key: str
    name: str
    last_seen: timedelta | None
    alerts: int = 0
    mac_set: bool = False
    removed: bool = False
    replaces: str = ""

    @property
    def utm_id(self) -> str:
        """The UTM ID: a MAC address that no manufacturer uses, without colons."""
        return f"02005e100{self.key}"

    @property
    def mac(self) -> str:
        """The MAC address, as the UTM reports it."""
        return ":".join(self.utm_id[place : place + 2] for place in range(0, 12, 2))

    @property
    def serial(self) -> str:
        """The serial number."""
        return f"MIMAMORI-DEMO-{self.key.upper()}"


@dataclass(frozen=True, slots=True)
class CustomerPlan:
    """A planned customer.

    :ivar name: None for a generated name.
    """

    contracts: tuple[ContractPlan, ...] = ()
    utms: tuple[UtmPlan, ...] = ()
    name: str | None = None


def customer_status(contracts: tuple[ContractPlan, ...], today: date) -> CustomerStatus:
    """Return the status that follows from contracts: draft without any, cancelled when all have ended.

    :param today: the day in Asia/Tokyo.
    """
    last_days = [contract.dates(today)[1] for contract in contracts if contract.counts]
    if not last_days:
        return CustomerStatus.DRAFT
    ended = max(last_days) < today
    return CustomerStatus.CANCELLED if ended else CustomerStatus.ACTIVE


def _last_day(start: date, months: int) -> date:
    return clock.months_before(start, -months) - timedelta(days=1)
