"""The demo's catalogue: products with their rate plans, charges and NEC's prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, selectinload

from app.demo.plan import MONTHLY, PRODUCTS, SETUP, WITH_UTM, WITHOUT_UTM, YEARLY
from models import audit
from models.actor import COMMAND_LINE
from models.contracts.catalogue import Charge, ChargeModel, Cycle, Product, RatePlan, WholesalePrice


@dataclass(frozen=True, slots=True)
class PlannedPlan:
    """A planned rate plan.

    :ivar charges: name, description, model and unit price of each charge; a discount applies to the first month.
    :ivar prices: NEC's unit prices, each with the first day on which it is valid.
    """

    product: str
    name: str
    cycle: Cycle
    charges: tuple[tuple[str, str, ChargeModel, int], ...]
    prices: tuple[tuple[date, int], ...]
    counts_utms: bool = False
    price_editable: bool = False


PLANS = (
    PlannedPlan(
        WITH_UTM,
        MONTHLY,
        Cycle.MONTHLY,
        (
            ("基本メニュー", "見守りサービスを月額でご利用いただく基本のメニューです", ChargeModel.FLAT, 6_600),
            ("初月割引", "ご契約の月の基本メニューを割り引きます", ChargeModel.DISCOUNT, 100),
        ),
        ((date(2020, 4, 1), 4_200), (date(2026, 4, 1), 4_400)),
        counts_utms=True,
    ),
    PlannedPlan(
        WITH_UTM,
        YEARLY,
        Cycle.YEARLY,
        (("年額メニュー", "1年分をまとめてお支払いいただくメニューです", ChargeModel.FLAT, 72_600),),
        ((date(2020, 4, 1), 48_400),),
        counts_utms=True,
    ),
    PlannedPlan(
        WITH_UTM,
        SETUP,
        Cycle.ONCE,
        (("初期設定費", "UTMの初期設定を1回行います", ChargeModel.FLAT, 22_000),),
        ((date(2020, 4, 1), 15_000),),
        price_editable=True,
    ),
    PlannedPlan(
        WITHOUT_UTM,
        MONTHLY,
        Cycle.MONTHLY,
        (
            ("ヘルプデスク", "電話とメールでお問い合わせを受け付けます", ChargeModel.FLAT, 3_300),
            ("駆けつけ対応", "訪問1回ごとの料金です", ChargeModel.USAGE, 8_800),
        ),
        ((date(2020, 4, 1), 2_200),),
    ),
)


def make_catalogue(session: Session) -> dict[str, Product]:
    """Create the missing products and rate plans.

    :returns: the products by name.
    """
    for name, includes_utm in PRODUCTS.items():
        made = session.scalar(
            insert(Product)
            .values(name=name, includes_utm=includes_utm)
            .on_conflict_do_nothing(index_elements=["name"])
            .returning(Product.id)
        )
        if made is not None:
            after = {"name": name, "includes_utm": includes_utm}
            audit.record(session, "product.created", ("Product", made), by=COMMAND_LINE, after=after)
    products = {
        product.name: product
        for product in session.scalars(
            select(Product).where(Product.name.in_(PRODUCTS)).options(selectinload(Product.rate_plans))
        )
    }
    for plan in PLANS:
        product = products[plan.product]
        if plan.name not in {each.name for each in product.rate_plans}:
            _make_plan(session, product, plan)
    return products


def _make_plan(session: Session, product: Product, plan: PlannedPlan) -> None:
    made = RatePlan(
        product=product,
        name=plan.name,
        cycle=plan.cycle.value,
        counts_utms=plan.counts_utms,
        price_editable=plan.price_editable,
    )
    made.charges = [
        Charge(
            name=name,
            description=description,
            model=model.value,
            unit_price=Decimal(price),
            discount_months=1 if model is ChargeModel.DISCOUNT else None,
        )
        for name, description, model, price in plan.charges
    ]
    made.wholesale_prices = [WholesalePrice(valid_from=day, unit_price=Decimal(price)) for day, price in plan.prices]
    session.add(made)
    _, after = audit.changes(made)
    session.flush()
    charges = [f"{name} {price}" for name, _, _, price in plan.charges]
    audit.record(session, "rate_plan.created", made, by=COMMAND_LINE, after=(after or {}) | {"charges": charges})
