"""A process that simulates the operators with Locust: ``python -m tests.load.operators orders.json result.json``.

Each signs in with a form's CSRF token as a browser does, and then moves between the pages that operators use most, with
pauses in which a person reads. It ends on SIGTERM.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import signal
import sys
import time
from html import unescape
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import gevent
import gevent.event
from locust import FastHttpUser, between, task
from locust.env import Environment
from locust.log import setup_logging

from app.demo.people import PASSWORD
from app.local.launch import HOST
from tests.support.pages import Page, answered

ERROR_PAGE = "error-code"
"""The class of the number on the portal's own error pages."""

_PAUSE = (2, 8)
_CUSTOMER = re.compile(r'href="/customers/([A-Z]\d{8})["?]')
_UTM = re.compile(r'href="(/customers/[A-Z]\d{8}/utms/\d+)["?]')
_NEXT = re.compile(r'<nav class="[^"]*\bkeyset\b.*?</nav>', re.DOTALL)
_FOLLOWING = re.compile(r'href="(\?[^"#]*after=[^"#]*)"')
_ALERT = re.compile(r'<tr id="alert-(\d+)"')
_CONDITIONS = ({"function": "ips"}, {"action": "Block"}, {"source": "192.0.2.1"}, {"url": "example"}, {"level": "high"})


class Operator(FastHttpUser):
    """A person at a browser.

    :cvar ports: of the web processes; if one refuses connections, the next one is asked, as by a reverse proxy.
    :cvar records: the time, the page, milliseconds and what was wrong with each request.
    """

    wait_time = between(*_PAUSE)
    host = f"http://{HOST}"
    connection_timeout = network_timeout = 60.0
    ports: ClassVar[list[int]] = []
    emails: ClassVar[Any] = iter(())
    records: ClassVar[list[tuple[float, str, float, str]]] = []
    _number: ClassVar[Any] = itertools.count(1)

    def on_start(self) -> None:
        """Sign in, again after a while if that is not possible."""
        self._email = next(self.emails)
        self._seat = next(self._number)
        self._signed_in = False
        self._customer: str | None = None
        self._sign_in()

    @task(3)
    def dashboard(self) -> None:
        """Look at the dashboard."""
        self._get("/", "dashboard")

    @task(5)
    def customers(self) -> None:
        """Search for customers, and open one."""
        name = random.choice(("", "株式会社", "00", f"{random.randrange(1, 40):02}"))
        page = self._get(f"/customers/?{urlencode({'name': name})}", "customer list")
        if found := _CUSTOMER.findall(page):
            self._customer = random.choice(found)
            self._pause()
            self._get(f"/customers/{self._customer}", "customer")

    @task(3)
    def utms(self) -> None:
        """Look at the UTMs of a customer, and at one of them."""
        if self._customer is None:
            return
        page = self._get(f"/customers/{self._customer}/security", "UTM list of a customer")
        if found := _UTM.findall(page):
            self._pause()
            self._get(random.choice(found), "UTM")

    @task(1)
    def all_utms(self) -> None:
        """Look at the UTMs of all customers."""
        self._get("/utms/", "UTM list")

    @task(5)
    def alerts(self) -> None:
        """Search the alerts of a customer, read one, and go to the next page."""
        if self._customer is None:
            return
        path = f"/customers/{self._customer}/alerts/"
        self._get(f"{path}?{urlencode(random.choice(_CONDITIONS))}", "alert search")
        self._pause()
        page = self._get(path, "alert list")
        if found := _ALERT.findall(page):
            self._pause()
            self._get(f"{path}?open={random.choice(found)}", "alert")
        if (pager := _NEXT.search(page)) and (links := _FOLLOWING.findall(pager[0])):
            self._pause()
            self._get(path + unescape(links[-1]), "next page of alerts")

    @task(1)
    def download(self) -> None:
        """Download the alerts of a customer as CSV."""
        if self._customer is None:
            return
        path = f"/customers/{self._customer}/alerts/"
        self._submit(path, f"{path}download", "alert download", pick_first="utm")

    @task(1)
    def memo(self) -> None:
        """Change a memo of a customer; 409 if somebody else has just changed the customer."""
        if self._customer is None:
            return
        path = f"/customers/{self._customer}/edit"
        text = f"{time.strftime('%H:%M:%S')} {self._email}"
        self._submit(path, path, "customer form", {"memo1": text}, expected=(200, 409))

    @task(1)
    def reboot(self) -> None:
        """Plan a reboot of a UTM, and cancel it; 422 if somebody else has just done so."""
        path = self._some_utm()
        if path is None:
            return
        path = f"{path}/reboot"
        tomorrow = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 2 * 86_400))
        plan = {"way": "later", "day": tomorrow, "time": "03:00"}
        self._submit(path, path, "reboot form", plan, expected=(200, 422))
        self._pause()
        self._submit(path, path, "reboot form", {"way": "cancel"}, expected=(200, 422))

    @task(1)
    def reboot_now(self) -> None:
        """Reboot a UTM at once; 422 if it is being rebooted, or has not yet called."""
        if path := self._some_utm():
            self._submit(f"{path}/reboot", f"{path}/reboot", "reboot form", {"way": "now"}, expected=(200, 422))

    @task(2)
    def search(self) -> None:
        """Type into the search field of the header."""
        self._get(f"/search/suggestions?{urlencode({'q': f'{random.randrange(1, 400):04}'})}", "header search")

    def _some_utm(self) -> str | None:
        if self._customer is None:
            return None
        found = _UTM.findall(self._get(f"/customers/{self._customer}/security", "UTM list of a customer"))
        return random.choice(found) if found else None

    def _sign_in(self) -> None:
        page = self._get("/login/", "sign-in page", signed_out=True)
        if not page:
            return
        (form, *_) = Page(page).forms
        values = form.sent(email=self._email, password=PASSWORD)
        self._signed_in = bool(self._ask("POST", "/login/", "sign-in", urlencode(list(values.items(multi=True)))))

    def _get(self, path: str, name: str, *, signed_out: bool = False) -> str:
        if not (self._signed_in or signed_out):
            self._sign_in()
        return self._ask("GET", path, name)

    def _submit(
        self,
        path: str,
        action: str,
        name: str,
        changes: dict[str, Any] | None = None,
        *,
        expected: tuple[int, ...] = (200,),
        pick_first: str = "",
    ) -> None:
        """Open the page of a form, fill it in, answer its question with OK and send it.

        :param pick_first: a box of which the first one is ticked.
        """
        page = self._get(path, f"{name}, page" if path == action else "alert list")
        forms = [each for each in Page(page).sendings if each.posts and each.action == action]
        if not forms:
            return
        self._pause()
        values = answered(forms[0].sent(changes))
        if pick_first and pick_first not in values:
            boxes = [each.attributes for each in forms[0].controls if each.attributes.get("name") == pick_first]
            if not boxes:
                return
            values[pick_first] = boxes[0]["value"]
        self._ask("POST", action, name, urlencode(list(values.items(multi=True))), expected)

    def _pause(self) -> None:
        gevent.sleep(random.uniform(*_PAUSE))

    def _ask(
        self, method: str, path: str, name: str, data: str | None = None, expected: tuple[int, ...] = (200,)
    ) -> str:
        """Send a request, and return the page that follows; empty if it is not the expected one."""
        headers = {"X-Forwarded-For": f"198.51.100.{self._seat % 250 + 1}"}
        if data is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.time()
        for number, port in enumerate(self.ports, start=1):
            url = f"http://{HOST}:{port}{path}"
            with self.client.request(
                method, url, name=name, data=data, headers=headers, catch_response=True
            ) as response:
                refused = response.status_code == 0 and "refused" in str(response.error).lower()
                if refused and number < len(self.ports):
                    response.success()
                    continue
                problem = self._problem(response, path, expected)
                response.failure(problem) if problem else response.success()
                self.records.append((began, name, (time.time() - began) * 1000, problem))
                return "" if problem else response.text or ""
        return ""

    def _problem(self, response: Any, path: str, expected: tuple[int, ...]) -> str:
        """Return what is wrong with a response; empty for nothing."""
        if response.status_code == 0:
            return type(response.error).__name__
        if response.status_code not in expected:
            own = ERROR_PAGE in (response.text or "") or response.headers.get("Content-Type", "").endswith("json")
            return f"{response.status_code}{'' if own else ' bare'}"
        if not path.startswith("/login/") and "/login/" in str(response.url):
            self._signed_in = False
            return "signed out"
        return ""


def main(orders: dict[str, Any], result: Path) -> None:
    """Play until SIGTERM.

    :param orders: ``ports``, ``emails`` of the operators, and ``spread``: the seconds in which they come one by one.
    :param result: the file for what happened.
    """
    setup_logging("WARNING")
    Operator.ports, Operator.emails = orders["ports"], iter(orders["emails"])
    environment = Environment(user_classes=[Operator])
    runner = environment.create_local_runner()
    ended = gevent.event.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(each, ended.set)
    count = len(orders["emails"])
    runner.start(count, spawn_rate=count / max(orders["spread"], 1))
    ended.wait()
    runner.quit()
    result.write_text(json.dumps(Operator.records))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
