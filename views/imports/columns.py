"""The columns of a file with customers, their contracts and UTMs.

Their names are always in Japanese, because users with different display languages share the same files.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from flask_babel import gettext, lazy_gettext
from wtforms import StringField
from wtforms.validators import ValidationError

from models.errors import N_
from models.values.phone import plain_hyphens
from views.arguments import only_digits, whole_number
from views.forms.fields import CodeField, MaxLength, OneLine, Required, TextField
from views.screen.form import ScreenForm

_MAX_MONTHS = 131
_MAX_QUANTITY = 9_999
_MAX_YEN = 9_999_999_999
_FIRST_YEAR = 2000
_LAST_YEAR = 2100


class FileColumn(NamedTuple):
    """A column of the file.

    :ivar part: ``customer``, ``contract`` or ``utm``, or ``key`` for the Company ID.
    :ivar name: the name of the field in the part's form.
    :ivar needed: whether the column is required.
    :ivar example: the example value in the template.
    :ivar is_code: whether leading zeros are significant; a numeric cell of a spreadsheet has lost them.
    """

    title: str
    part: str
    name: str
    needed: bool = False
    example: str = ""
    is_code: bool = False


COMPANY_ID = FileColumn("会社ID", "key", "customer_id")
CUSTOMER_COLUMNS = (
    COMPANY_ID,
    FileColumn("会社名", "customer", "name", True, "株式会社サンプル"),
    FileColumn("氏名（姓）", "customer", "contact_last_name", True, "見本"),
    FileColumn("氏名（名）", "customer", "contact_first_name", True, "花子"),
    FileColumn("部署名", "customer", "contact_department"),
    FileColumn("役職", "customer", "contact_title"),
    FileColumn("メールアドレス", "customer", "contact_email", True, "hanako@example.com"),
    FileColumn("郵便番号", "customer", "postcode", True, "100-0001", True),
    FileColumn("都道府県", "customer", "prefecture", True, "東京都"),
    FileColumn("住所", "customer", "address", True, "千代田区千代田1-1"),
    FileColumn("電話番号", "customer", "contact_phone", True, "03-1234-5678", True),
    FileColumn("メモ1", "customer", "memo1"),
    FileColumn("メモ2", "customer", "memo2"),
    FileColumn("メモ3", "customer", "memo3"),
)
CONTRACT_COLUMNS = (
    FileColumn("契約開始日", "contract", "start_on"),
    FileColumn("初期契約期間（月）", "contract", "initial_months", False, "12"),
    FileColumn("契約更新期間（月）", "contract", "renewal_months", False, "12"),
    FileColumn("商品", "contract", "product"),
    FileColumn("料金プラン", "contract", "plan"),
    FileColumn("数量", "contract", "quantity", False, "1"),
    FileColumn("単価", "contract", "unit_price"),
)
UTM_COLUMNS = (
    FileColumn("UTM ID", "utm", "utm_id", False, "", True),
    FileColumn("UTM名", "utm", "name"),
    FileColumn("製造番号", "utm", "serial", False, "", True),
    FileColumn("UTM郵便番号", "utm", "postcode", False, "", True),
    FileColumn("UTM住所", "utm", "address"),
    FileColumn("配送状況", "utm", "delivery_status"),
    *(
        FileColumn(f"{title}{number}", "utm", f"{group}_email{number}")
        for group, title in (
            ("customer", "通知先（顧客）"),
            ("desk", "通知先（サービス窓口）"),
            ("report", "月次レポート追加送付先"),
        )
        for number in (1, 2, 3)
    ),
)
COLUMNS = (*CUSTOMER_COLUMNS, *CONTRACT_COLUMNS, *UTM_COLUMNS)
TITLES = {(each.part, each.name): each.title for each in COLUMNS}


def plain_title(title: str) -> str:
    """Return the name of a column for comparison, regardless of character width, whitespace and case."""
    return "".join(unicodedata.normalize("NFKC", title).split()).casefold()


BY_TITLE = {plain_title(each.title): each for each in COLUMNS}


UTM_EXAMPLE = (
    "A00000001",
    "a0b1c2d3e4f5",
    "本社",
    "SERIAL-00000000001",
    "100-0001",
    "東京都千代田区千代田1-1",
    "受領済",
)


def templates(*, with_contracts: bool) -> Iterable[list[str]]:
    """Yield the rows of the template: the column names, and an example."""
    columns = COLUMNS if with_contracts else CUSTOMER_COLUMNS
    yield [each.title for each in columns]
    yield [each.example for each in columns]


def utm_template() -> Iterable[list[str]]:
    """Yield the rows of the template of UTMs: the column names, and an example."""
    yield [each.title for each in (COMPANY_ID, *UTM_COLUMNS)]
    yield [*UTM_EXAMPLE, *[""] * (len(UTM_COLUMNS) + 1 - len(UTM_EXAMPLE))]


class WholeNumber:
    """A validator for a whole number in a range. An empty value is valid, unless the field is required."""

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def __call__(self, _form: Any, field: Any) -> None:
        """Raise ValidationError if the value is not such a number."""
        number = whole_number(field.data, most=self.most)
        if field.data and (number is None or number < self.least):
            raise ValidationError(
                gettext("Enter a whole number from %(least)s to %(most)s.", least=self.least, most=f"{self.most:,}")
            )


class NumberField(CodeField):
    """A field for a number, which accepts full-width digits, thousands separators, and ¥ or 円."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read the submitted value and remove ¥, 円 and separators."""
        super().process_formdata(valuelist)
        self.data = self.data.removeprefix("¥").removesuffix("円").replace(",", "")


class FileDayField(StringField):
    """A field for a date, such as 2026-04-01 or 2026/4/1."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read the submitted value; an invalid date is reported when the field is validated."""
        super().process_formdata(valuelist)
        self.data = plain_hyphens(self.data or "").strip().replace("/", "-")

    def pre_validate(self, _form: Any) -> None:
        """Raise ValidationError if the value is not a date from 2000 to 2100; otherwise convert it."""
        day = _day(self.data)
        if day is None:
            raise ValidationError(gettext("Enter a date from 2000 to 2100, such as 2026-04-01."))
        self.data = day


def _day(text: str) -> date | None:
    parts = [int(part) if only_digits(part) and len(part) <= 4 else -1 for part in text.split("-")]
    if len(parts) != 3 or not _FIRST_YEAR <= parts[0] <= _LAST_YEAR:
        return None
    try:
        return date(*parts)
    except ValueError:
        return None


class ContractRowForm(ScreenForm):
    """The form for the contract columns of a row. The contract has one rate plan, and its UTM is not shipped (送付 不要)."""

    start_on = FileDayField(lazy_gettext("Contract start date"), [Required()])
    initial_months = NumberField(lazy_gettext("Initial term"), [Required(), WholeNumber(1, _MAX_MONTHS)])
    renewal_months = NumberField(lazy_gettext("Renewal term"), [Required(), WholeNumber(1, _MAX_MONTHS)])
    product = TextField(lazy_gettext("Product"), [Required(), MaxLength(100), OneLine()])
    plan = TextField(lazy_gettext("Rate plan"), [Required(), MaxLength(100), OneLine()])
    quantity = NumberField(lazy_gettext("Quantity"), [Required(), WholeNumber(1, _MAX_QUANTITY)])
    unit_price = NumberField(lazy_gettext("Unit price"), [WholeNumber(0, _MAX_YEN)])


NO_LEADING_ZEROS = N_("The spreadsheet has a number here, in which leading zeros are lost. Format the column as text.")
