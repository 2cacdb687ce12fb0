"""An operator's customer and a product that it can be sold."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture
def shop(make, operator):
    """A customer, a product with a UTM and its rate plan, and the URL of the customer's contracts."""
    customer = make.customer(tenant=operator.tenant, name="株式会社テストABC")
    product = make.product(name="サイバーセキュリティ見守りサービス")
    plan = make.rate_plan(product=product, name="月額料金プラン", price=None)
    make.charge(rate_plan=plan, name="基本メニュー", description="基本メニューです", unit_price=6600)
    make.charge(rate_plan=plan, name="初月割引", model="discount", unit_price=100, discount_months=1)
    return SimpleNamespace(customer=customer, product=product, plan=plan, url=f"/customers/{customer.id}/contracts")
