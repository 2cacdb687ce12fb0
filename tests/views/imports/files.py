"""Files of customers, and the form that takes them."""

from __future__ import annotations

import io
from datetime import timedelta

from sqlalchemy import select

from models import clock

HEAD = "会社ID,会社名,氏名（姓）,氏名（名）,メールアドレス,郵便番号,都道府県,住所,電話番号,メモ1"
AOZORA = ",株式会社あおぞら,青空,花子,hanako@example.com,100-0001,東京都,千代田区1-1,03-1234-5678,"
MIDORI = ",株式会社みどり,緑,太郎,taro@example.com,100-0002,東京都,千代田区2-2,03-1234-0000,"
MORE = "契約開始日,初期契約期間(月),契約更新期間(月),商品,料金プラン,数量,単価,UTM ID,UTM名,製造番号,UTM郵便番号,UTM住所,配送状況"
UTM = "{id},本社,{serial},100-0001,東京都千代田区1-1,受領済"


def csv(*rows: str, head: str = HEAD) -> bytes:
    return "\r\n".join((head, *rows, "")).encode()


def upload(client, data: bytes, name: str = "顧客.csv"):
    return client.post("/customers/import/", data={"file": (io.BytesIO(data), name)}, follow_redirects=True)


def run_key(answer) -> int:
    return int(answer.request.path.rpartition("/")[2])


def whole_row(start: int = 3, *, utm: int = 1, customer: str = AOZORA) -> str:
    day = clock.tokyo_day(clock.utc_now()) + timedelta(days=start)
    return f"{customer},{day:%Y/%m/%d},１２,1,見守り,月額,2,," + UTM.format(
        id=f"A0:B1:C2:00:00:{utm:02d}", serial=f"SERIAL-IMPORT-{utm:02d}"
    )


def of_tenant(make, model, tenant):
    make.session.expire_all()
    return make.session.scalars(select(model).where(model.tenant_id == tenant.id).order_by(model.id)).unique().all()
