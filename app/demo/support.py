"""The demo's announcements, and its support page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from app.demo.context import DemoContext
from models import clock
from models.actor import Actor
from models.support import support_page
from models.support.announcement_rules import rules
from models.support.support_page import ManualLink, SupportContent
from models.tenants.tenant import Tenant

_STAFF = Actor("staff@example.jp")

# Title, text, first and last day relative to today, whether it is important, for the first tenant only, published.
_ANNOUNCEMENTS = (
    (
        "年末年始の電話受付について",
        "年末年始は、電話でのお問い合わせの受付を休ませていただきます。\nメールでのお問い合わせは、年明けに順にお答えします。",
        *(-12, 40, False, False, True),
    ),
    (
        "システムメンテナンスのため夜間に停止します",
        "深夜1時から3時まで、ポータルをご利用いただけません。\nUTMの監視は停止しません。アラートは再開後に表示されます。",
        *(-2, 14, True, False, True),
    ),
    (
        "UTM交換用機器の発送状況",
        "交換用の機器は、お申し込みから3営業日以内に発送しています。",
        *(-5, None, False, True, True),
    ),
    (
        "新しい脅威レポートのご案内",
        "脅威レポートに、過去12か月の比較を追加する予定です。",
        *(20, None, False, False, True),
    ),
    ("操作説明会のお知らせ（作成中）", "日時が決まり次第、公開します。", *(3, 30, False, False, False)),
)


def make_support(context: DemoContext, tenants: Sequence[Tenant]) -> None:
    """Write announcements in every state, and fill the support page."""
    today = clock.tokyo_day(context.now)
    for title, body, first, last, important, for_one, published in _ANNOUNCEMENTS:
        values = {
            "title": title,
            "body": body,
            "starts_on": today + timedelta(days=first),
            "ends_on": None if last is None else today + timedelta(days=last),
            "important": important,
            "tenant_ids": [tenants[0].id] if for_one else None,
        }
        row = rules.create(context.session, values, by=_STAFF)
        if published:
            rules.publish(context.session, row, now=context.now, by=_STAFF)
    content = SupportContent(
        (
            ManualLink("操作マニュアルの一覧", "https://manual.example.jp/portal/"),
            ManualLink("UTM設置の手引き", "https://manual.example.jp/utm/install.pdf"),
        ),
        "パートナー窓口",
        "support@example.jp",
        "0312345678",
        "平日 9:00から17:00まで（年末年始を除く）",
    )
    support_page.save(context.session, content, version=0, by=_STAFF)
