"""Delivery addresses of UTMs (UTM情報, §8.2.3, §8.3.3), the same for both kinds of applications."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Identity, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.db import CreatedAt

MAX_DELIVERIES = 20
"""The maximum number of delivery addresses of an application."""
MAX_UTMS = 99
"""The maximum number of UTMs for one address."""

DELIVERY_COLUMNS = (
    "company",
    "last_name",
    "first_name",
    "department",
    "postcode",
    "prefecture",
    "address",
    "phone",
)
"""The columns of the address, in the order of a contract's shipping address, whose columns begin with ``ship_``."""


class DeliveryColumns:
    """The columns of a delivery address and the number of UTMs to be sent there (台数)."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    company: Mapped[str] = mapped_column(String(40))
    last_name: Mapped[str] = mapped_column(String(100))
    first_name: Mapped[str] = mapped_column(String(100))
    department: Mapped[str] = mapped_column(String(40), server_default="")
    postcode: Mapped[str] = mapped_column(String(8))
    prefecture: Mapped[str] = mapped_column(String(4))
    address: Mapped[str] = mapped_column(String(100))
    phone: Mapped[str] = mapped_column(String(15))
    utm_count: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[CreatedAt]

    @property
    def name(self) -> str:
        """The recipient's full name (氏名), family name first."""
        return f"{self.last_name} {self.first_name}".strip()

    @property
    def full_address(self) -> str:
        """The prefecture and the address in one text (住所)."""
        return f"{self.prefecture}{self.address}"


def application_parts(name: str, order_by: str) -> Any:
    """Return the relationship of an application to its rows of a table, which are deleted with it.

    :param name: the class of the rows, which have the column ``application_id``.
    :param order_by: the column that they are sorted by.
    """
    return relationship(
        name,
        foreign_keys=f"{name}.application_id",
        order_by=f"{name}.{order_by}",
        cascade="save-update, merge, delete, delete-orphan",
        passive_deletes=True,
    )
