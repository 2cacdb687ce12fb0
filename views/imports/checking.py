"""Check the rows of a file with the forms of the screens: find all errors, and what each row would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from models.contracts import rules as contract_rules
from models.contracts.catalogue import MAX_AMOUNT
from models.db import db
from models.errors import N_, DomainError
from models.imports.rules import CheckedRow
from models.utms import utm as utm_rules
from views.customers.form import CustomerForm
from views.imports.columns import (
    BY_TITLE,
    COLUMNS,
    NO_LEADING_ZEROS,
    TITLES,
    ContractRowForm,
    FileColumn,
    plain_title,
)
from views.imports.existing_rows import Known, KnownPlan, KnownProduct
from views.imports.keys import known_of_file
from views.imports.reading import text_of
from views.transaction import cross_tenant_session
from views.utms.form import UtmForm

UNKNOWN_CUSTOMER = N_("There is no customer with this ID.")
CONTRADICTS_EARLIER_ROW = N_("Row %(row)s is about the same customer and has a different value here.")
NO_COMPANY_ID = N_("Enter the company ID of an existing customer.")
TWICE = N_("Row %(row)s has the same.")
UNKNOWN_PRODUCT = N_("There is no product of this name that is sold.")
UNKNOWN_PLAN = N_("The product has no rate plan of this name that is sold.")
OF_ANOTHER_CUSTOMER = N_("The UTM belongs to another customer.")
FIXED_SERIAL = N_("The serial number of a registered UTM cannot be changed.")
POSSIBLE_DUPLICATE = N_("There is a customer with the same company name and phone number: %(customer)s")
SAME_CONTRACT = N_("The customer already has a contract of this product that starts on that day: %(contract)s")


MORE_THAN_CONTRACTED = N_(
    "With this UTM, the customer has more UTMs (%(registered)s) than contracted (%(contracted)s). You can still register it."
)


class RowError(NamedTuple):
    """An error in a cell. ``number`` is the row number in the file; ``column`` is empty for an error of the whole row."""

    number: int
    column: str
    message: str


@dataclass(slots=True)
class Checked:
    """The result of a check: the errors, and the rows without errors."""

    errors: list[RowError] = field(default_factory=list)
    rows: list[CheckedRow] = field(default_factory=list)


class Earlier(NamedTuple):
    """An earlier row of the file about the same customer."""

    number: int
    values: Mapping[str, Any]


def columns_of(head: Iterable[Any]) -> list[FileColumn | None]:
    """Return the column for each cell of the header row, None for empty cells.

    :raises DomainError: a column is unknown, duplicated, or missing.
    """
    found: list[FileColumn | None] = []
    for cell in head:
        title = text_of(cell).strip()
        column = BY_TITLE.get(plain_title(title))
        if title and column is None:
            raise DomainError(N_("There is no column named %(column)s."), field="file", column=title[:50])
        if column is not None and column in found:
            raise DomainError(N_("The column %(column)s occurs twice."), field="file", column=column.title)
        found.append(column)
    missing = [each.title for each in COLUMNS if each.needed and each not in found]
    if missing and BY_TITLE[plain_title("会社ID")] not in found:
        raise DomainError(N_("These columns are missing: %(columns)s"), field="file", columns=", ".join(missing))
    return found


class RowCheck:
    """The check of one file, which keeps track of the rows checked so far."""

    def __init__(self, columns: list[FileColumn | None], known: Known, *, today: date) -> None:
        self.columns, self.known, self.today = columns, known, today
        self.checked = Checked()
        self.forms = {
            "customer": _form(CustomerForm),
            "contract": _form(ContractRowForm),
            "utm": _form(UtmForm),
        }
        self.makes_customers = any(each.part == "customer" for each in columns if each)
        self.earlier: dict[Any, Earlier] = {}
        self.unique: dict[tuple[str, str], int] = {}
        self.with_utm_product: set[int | str] = set()
        self.proved: set[int | str] = set()
        self.added: Counter[str] = Counter()

    def check(self, number: int, cells: list[Any]) -> None:
        """Check a row."""
        errors = len(self.checked.errors)
        parts: dict[str, dict[str, str]] = {"key": {}, "customer": {}, "contract": {}, "utm": {}}
        for column, cell in zip(self.columns, cells, strict=False):
            if column is None:
                continue
            parts[column.part][column.name] = text_of(cell)
            if column.is_code and isinstance(cell, int | float) and not isinstance(cell, bool):
                self._error(number, column.part, column.name, gettext(NO_LEADING_ZEROS))
        row = CheckedRow(
            number,
            dict.fromkeys(
                ("customer_id", "version", "same_as", "customer", "contract", "utm", "utm_key", "utm_before")
            ),
        )
        owner = self._customer(row, parts)
        self._contract(row, parts["contract"], owner)
        self._utm(row, parts["utm"], owner)
        if len(self.checked.errors) == errors:
            self.checked.rows.append(row)

    # Customer

    def _customer(self, row: CheckedRow, parts: dict[str, dict[str, str]]) -> int | str | None:
        """Check the columns of the customer.

        :returns: the identity of the customer: its ID, or the number of the row that creates it; None if it is unknown.
        """
        typed = parts["key"].get("customer_id", "")
        customer_id = plain_title(typed).upper()
        stored = self.known.customers.get(customer_id)
        if not customer_id and not self.makes_customers:
            self._error(row.number, "key", "customer_id", gettext(NO_COMPANY_ID))
            return None
        if customer_id and stored is None:
            self._error(row.number, "key", "customer_id", gettext(UNKNOWN_CUSTOMER))
            return None
        form = self.forms["customer"]
        before = form.stored(stored) if stored is not None else {}
        values = self._filled(row.number, "customer", parts["customer"], before)
        if values is None:
            return customer_id or None
        row.content["customer_id"] = customer_id or None
        key = customer_id or (values["name"], values["contact_phone"])
        if earlier := self.earlier.get(key):
            self._same_as(row, earlier, values)
            return customer_id or earlier.number
        self.earlier[key] = Earlier(row.number, values)
        row.content["customer"] = values
        if stored is not None:
            row.content["version"] = stored.version
            row.differences += self._differences("customer", before, values)
        elif twins := self.known.namesakes.get((values["name"], values["contact_phone"])):
            row.warnings.append((POSSIBLE_DUPLICATE, {"customer": ", ".join(twins)}))
        return customer_id or row.number

    def _same_as(self, row: CheckedRow, earlier: Earlier, values: Mapping[str, Any]) -> None:
        row.content["same_as"] = earlier.number
        for name, value in values.items():
            if value != earlier.values[name]:
                self._error(row.number, "customer", name, gettext(CONTRADICTS_EARLIER_ROW, row=earlier.number))

    # Contract

    def _contract(self, row: CheckedRow, typed: dict[str, str], owner: int | str | None) -> None:
        if not any(text.strip() for text in typed.values()):
            return
        if owner is not None:
            # Assume that the product includes a UTM, so that an invalid contract does not cause a second error for the UTM.
            self.with_utm_product.add(owner)
        values = self._filled(row.number, "contract", typed, {})
        if values is None:
            return
        if values["start_on"] < self.today:
            self._error(row.number, "contract", "start_on", gettext(contract_rules.STARTS_IN_THE_PAST))
        product = self.known.products.get(values["product"])
        plan = product.plans.get(values["plan"]) if product else None
        if product is None:
            self._error(row.number, "contract", "product", gettext(UNKNOWN_PRODUCT))
        elif plan is None:
            self._error(row.number, "contract", "plan", gettext(UNKNOWN_PLAN))
        if product is None or plan is None:
            return
        price = values["unit_price"] or str(plan.price)
        self._check_price(row.number, plan, int(price), int(values["quantity"]))
        self._note_product(product, owner)
        row.content["contract"] = {
            "start_on": values["start_on"].isoformat(),
            "product_id": product.id,
            "rate_plan_id": plan.id,
            "unit_price": price,
        } | {name: int(values[name]) for name in ("initial_months", "renewal_months", "quantity")}
        same = self.known.contracts.get((row.content["customer_id"], product.id, values["start_on"]))
        if same:
            row.warnings.append((SAME_CONTRACT, {"contract": same}))

    def _check_price(self, number: int, plan: KnownPlan, price: int, quantity: int) -> None:
        if not plan.price_editable and price != plan.price:
            self._error(number, "contract", "unit_price", gettext(contract_rules.FIXED_PRICE))
        if quantity * price > MAX_AMOUNT:
            self._error(number, "contract", "unit_price", gettext(contract_rules.TOO_HIGH))

    def _note_product(self, product: KnownProduct, owner: int | str | None) -> None:
        if product.includes_utm and owner is not None:
            self.proved.add(owner)
        elif owner is not None and owner not in self.proved:
            self.with_utm_product.discard(owner)

    # UTM

    def _utm(self, row: CheckedRow, typed: dict[str, str], owner: int | str | None) -> None:
        if not any(text.strip() for text in typed.values()):
            return
        form = self.forms["utm"]
        form.process(MultiDict({"utm_id": typed.get("utm_id", "")}))
        stored = self.known.utms.get(form.utm_id.data)
        before = form.stored(stored) if stored is not None else {}
        values = self._filled(row.number, "utm", typed, before)
        if values is None:
            return
        for name in ("utm_id", "serial"):
            first = self.unique.setdefault((name, values[name]), row.number)
            if first != row.number:
                self._error(row.number, "utm", name, gettext(TWICE, row=first))
        if stored is not None:
            if stored.customer_id != owner:
                self._error(row.number, "utm", "utm_id", gettext(OF_ANOTHER_CUSTOMER))
            if stored.serial != values["serial"]:
                self._error(row.number, "utm", "serial", gettext(FIXED_SERIAL))
            row.content["utm_key"], row.content["utm_before"] = stored.id, before
            row.differences += self._differences("utm", before, values)
        else:
            self._new_utm(row, values, owner)
        row.content["utm"] = values

    def _new_utm(self, row: CheckedRow, values: Mapping[str, Any], owner: int | str | None) -> None:
        taken = {
            "utm_id": (self.known.taken_ids, utm_rules.TAKEN_UTM_ID),
            "serial": (self.known.taken_serials, utm_rules.TAKEN_SERIAL),
        }
        for name, (of_others, message) in taken.items():
            if values[name] in of_others:
                self._error(row.number, "utm", name, gettext(message))
        if isinstance(owner, str) and owner not in self.with_utm_product:
            self._count_utm(row, owner)
        if owner is not None and owner not in self.with_utm_product and owner not in self.known.may_have_utm:
            self._error(row.number, "utm", "utm_id", gettext(utm_rules.NO_CONTRACT))

    def _count_utm(self, row: CheckedRow, customer_id: str) -> None:
        """Warn if a customer gets more UTMs than contracted, unless the file has a contract for them."""
        self.added[customer_id] += 1
        registered = self.known.registered.get(customer_id, 0) + self.added[customer_id]
        contracted = self.known.contracted.get(customer_id, 0)
        if registered > contracted:
            row.warnings.append((MORE_THAN_CONTRACTED, {"registered": registered, "contracted": contracted}))

    # Helpers for all parts

    def _filled(
        self, number: int, part: str, typed: Mapping[str, str], before: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Return the values of a form filled in with the cells of a row. If there are errors, record them and return None.

        :param before: the stored values, for columns that the file does not have.
        """
        form = self.forms[part]
        form.process(MultiDict({name: str(value) for name, value in {**before, **typed}.items()}))
        if form.validate():
            values: dict[str, Any] = form.values()
            return values
        for name, messages in form.errors.items():
            for message in messages:
                self._error(number, part, name, str(message))
        return None

    def _differences(
        self, part: str, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> list[tuple[str, str, str]]:
        return [
            (TITLES[part, name], str(before[name]), str(value))
            for name, value in after.items()
            if before[name] != value
        ]

    def _error(self, number: int, part: str, name: str | None, message: str) -> None:
        self.checked.errors.append(RowError(number, TITLES.get((part, name or ""), ""), message))


def _form(kind: Any) -> Any:
    return kind(formdata=None, meta={"csrf": False})


def checked_rows(columns: list[FileColumn | None], rows: Sequence[tuple[int, list[Any]]], *, today: date) -> Checked:
    """Check rows with their numbers in the file.

    :param today: the current date in Asia/Tokyo.
    """
    everybody = cross_tenant_session("UTM IDs and serial numbers are unique in the whole system")
    known = known_of_file(db.session(), everybody, columns, [cells for _, cells in rows], today=today)
    check = RowCheck(columns, known, today=today)
    for number, cells in rows:
        check.check(number, cells)
    return check.checked
