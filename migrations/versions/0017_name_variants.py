"""Compare names without variants of characters, and sort them without their legal form.

Names whose search key changes are written anew. Going back leaves the keys: until these names are saved again, the older
version does not find some of them by the variant they are written with.

Revision: 0017, after 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.values.company_name import search_key

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

FORMS = (
    "株式会社|有限会社|合同会社|合名会社|合資会社|相互会社|一般社団法人|一般財団法人|公益社団法人|公益財団法人|社団法人|財団法人"
    "|特定非営利活動法人|医療法人社団|医療法人財団|医療法人|社会福祉法人|学校法人|宗教法人|協同組合"
)


def upgrade() -> None:
    connection = op.get_bind()
    for customer_id, name, key in connection.execute(sa.text("SELECT id, name, search_name FROM customer")).all():
        if search_key(name) != key:
            connection.execute(
                sa.text("UPDATE customer SET search_name = :key WHERE id = :id"),
                {"key": search_key(name), "id": customer_id},
            )
    op.execute(
        "ALTER TABLE customer ADD COLUMN sort_name text NOT NULL GENERATED ALWAYS AS"
        f" (regexp_replace(search_name, '^({FORMS})(?=.)|(?<=.)({FORMS})$', '')) STORED"
    )
    op.create_index("ix_customer_tenant_id_sort_name", "customer", ["tenant_id", "sort_name", "id"])


def downgrade() -> None:
    op.drop_index("ix_customer_tenant_id_sort_name", "customer")
    op.drop_column("customer", "sort_name")
