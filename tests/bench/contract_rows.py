"""Contracts of the benchmark tenant: ten thousand in force of five thousand customers."""

from __future__ import annotations

from tests.bench import declared
from tests.bench.datasets import Dataset

CUSTOMERS = 5_000
EACH = 2

_CONTRACTS = """
WITH plan AS (
    SELECT id, product_id FROM rate_plan WHERE cycle = 'monthly' ORDER BY id LIMIT 1
), owner AS (
    SELECT customer.tenant_id, customer.id, %(each)s - count(contract.id) AS missing
    FROM (SELECT tenant_id, id FROM customer WHERE tenant_id = %(tenant)s ORDER BY id LIMIT %(customers)s) AS customer
    LEFT JOIN contract ON contract.customer_id = customer.id AND contract.status = 'active'
    GROUP BY customer.tenant_id, customer.id
), made AS (
    INSERT INTO contract (tenant_id, customer_id, product_id, start_on, renewals, term_end_on, end_on, ships_utm)
    SELECT tenant_id, owner.id, product_id, '2025-04-01', 5, '2031-03-31', '2031-03-31', false
    FROM owner CROSS JOIN plan CROSS JOIN generate_series(1, missing)
    RETURNING tenant_id, id, start_on
)
INSERT INTO contract_line (tenant_id, contract_id, rate_plan_id, quantity, unit_price, starts_on)
SELECT made.tenant_id, made.id, plan.id, 1, 6600, start_on FROM made CROSS JOIN plan
"""


def fill(dataset: Dataset, *, customers: int = CUSTOMERS) -> None:
    """Give the tenant's first customers contracts until each has two, and their states to what follows from that."""
    declared.fill(dataset, customers)
    with dataset.owner() as owner:
        owner.execute(_CONTRACTS, {"tenant": dataset.tenant_id, "customers": customers, "each": EACH})
        owner.execute(
            "UPDATE customer SET status = 'active' WHERE tenant_id = %s AND status <> 'active'"
            " AND id IN (SELECT customer_id FROM contract)",
            [dataset.tenant_id],
        )
        owner.execute("VACUUM (ANALYZE) customer, contract, contract_line")
