"""Two windows of one browser share a tenant."""

from __future__ import annotations

import pytest

from tests.browser.signing_in import choose_tenant, sign_in
from tests.browser.windows import at_desk
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser


@at_desk
def test_a_form_of_the_tenant_before_is_refused_with_a_way_back(page, make, sound):
    make.elevated("NEC Staff", email="staff@example.jp", password=weak_hash())
    first, second = make.tenant(name="いろは"), make.tenant(name="株式会社とても長い名前のパートナー販売サービス東日本")
    sign_in(page, "staff@example.jp")
    page.goto("/")
    choose_tenant(page, first.id)
    page.goto("/customers/add")
    other = page.context.new_page()
    other.goto("/tenants/")
    choose_tenant(other, second.id)

    page.locator("form[data-validated]").evaluate("each => each.submit()")
    page.get_by_role("heading", name="テナントが切り替わっています").wait_for()
    sound(page)
    page.get_by_text(f"{second.id} {second.name}").wait_for()
    page.get_by_role("button", name=f"{first.id}に戻る").click()
    page.get_by_role("button", name="テナントに入る").click()

    page.get_by_role("heading", name="ダッシュボード", level=1).wait_for()
    page.get_by_text("いろは").first.wait_for()
