"""What is typed into the form of a new customer, by tests that send it to a portal of their own."""

from __future__ import annotations

CUSTOMER = {
    "name": "株式会社あおぞら製作所",
    "contact_last_name": "青空",
    "contact_first_name": "花子",
    "contact_email": "hanako@example.com",
    "postcode": "733-0001",
    "prefecture": "広島県",
    "address": "広島市西区大芝一丁目1番1号",
    "contact_phone": "082-123-4567",
}
