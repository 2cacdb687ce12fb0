"""The form for rebooting one or several UTMs (§7.12.1), and what it does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from enum import StrEnum
from itertools import groupby
from typing import Any

from flask import current_app
from flask_babel import gettext, lazy_gettext, ngettext
from markupsafe import Markup
from wtforms import DateField, HiddenField, IntegerField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, NumberRange, Optional, StopValidation, ValidationError

from models import clock
from models.db import db
from models.errors import N_, DomainError
from models.utms import reboot_rules
from models.utms.mails import slot_text
from models.utms.reboot import Reboot
from models.utms.reboot_rules import HORIZON, SLOT, Outcome
from models.utms.utm import Utm, UtmState
from views.arguments import key_or_none
from views.base import actor
from views.flashes import flash_success, flash_warning
from views.screen.form import ScreenForm

MOST_STEPS = 96
"""The maximum number of steps between two of several UTMs: a day."""

_NAMED = 5
"""The maximum number of UTMs named in a message: messages are kept in the session cookie, whose size is limited."""

_PER_HOUR = 60 // (int(SLOT.total_seconds()) // 60)
_TIMES = [f"{hour:02}:{quarter * 60 // _PER_HOUR:02}" for hour in range(24) for quarter in range(_PER_HOUR)]

NOBODY_MAILED = N_("No mail was sent for %(names)s, because there is no address under “Notified (customer)”.")
NONE_POSSIBLE = N_("This is not possible for any of the chosen UTMs. %(why)s")


class Way(StrEnum):
    """The items of the menu UTM再起動."""

    NOW = "now"
    LATER = "later"
    CANCEL = "cancel"


class _NeededLater(Optional):
    """Requires a value for a plan; the field is ignored otherwise."""

    def __call__(self, form: Any, field: Any) -> None:
        """Validate a field."""
        if form.way.data == Way.LATER and not (field.raw_data and field.raw_data[0].strip()):
            field.errors = []
            raise StopValidation(gettext("Choose a date."))
        super().__call__(form, field)


class RebootForm(ScreenForm):
    """The menu UTM再起動, with the time of a plan."""

    way = RadioField(
        lazy_gettext("UTM reboot"),
        [InputRequired()],
        choices=[
            SelectChoice(Way.NOW, lazy_gettext("Reboot now")),
            SelectChoice(Way.LATER, lazy_gettext("Reboot at a given time")),
            SelectChoice(Way.CANCEL, lazy_gettext("Cancel the scheduled reboot")),
        ],
    )
    day = DateField(lazy_gettext("Date"), [_NeededLater()])
    time = SelectField(lazy_gettext("Time"), choices=_TIMES)
    steps = IntegerField(
        lazy_gettext("Steps of 15 minutes between the UTMs"),
        [Optional(), NumberRange(0, MOST_STEPS)],
        description=lazy_gettext("0: all at the same time. 1: one every 15 minutes, in the order of the UTM IDs."),
    )
    # The plan that the page showed, for one UTM.
    plan = HiddenField()

    utms: Sequence[Utm]
    single: bool
    plans: Sequence[Reboot]

    @classmethod
    def of(cls, utms: Sequence[Utm], plans: Sequence[Reboot], *, single: bool) -> RebootForm:
        """Return the form for UTMs, empty or as it was sent.

        :param plans: their planned reboots.
        :param single: whether it is about one UTM, and not about those that were ticked in a list.
        """
        first = reboot_rules.first_slot(clock.utc_now()).astimezone(clock.TOKYO)
        form = cls(
            data={
                "way": Way.NOW if any(map(_is_online, utms)) else Way.LATER,
                "day": first.date(),
                "time": f"{first:%H:%M}",
                "steps": 0,
                "plan": str(plans[0].id) if single and plans else "",
            }
        )
        form.utms, form.plans, form.single = utms, plans, single
        if single:
            del form.steps
        return form

    def validate_day(self, field: Any) -> None:
        """Raise ``ValidationError`` for a day that no reboot can be planned for.

        The rules check the time itself, but in the years 1 and 9999 it cannot be computed.
        """
        if self.way.data != Way.LATER:
            return
        first, last = self._days()
        if field.data < first:
            raise ValidationError(gettext(reboot_rules.PAST_SLOT))
        if field.data > last:
            raise ValidationError(gettext(reboot_rules.TOO_FAR))

    @property
    def unavailable(self) -> dict[str, str]:
        """The items that cannot be chosen now, with the reason."""
        found = {}
        if not any(map(_is_online, self.utms)):
            found[Way.NOW.value] = gettext(reboot_rules.NOT_ONLINE)
        if not self.plans:
            found[Way.CANCEL.value] = gettext(reboot_rules.NO_PLAN)
        return found

    @property
    def days(self) -> dict[str, str]:
        """The first and the last day that can be chosen, as attributes of the field."""
        first, last = self._days()
        return {"min": first.isoformat(), "max": last.isoformat()}

    @staticmethod
    def _days() -> tuple[date, date]:
        now = clock.utc_now()
        return clock.tokyo_day(reboot_rules.first_slot(now)), clock.tokyo_day(now + HORIZON)

    def act(self) -> Outcome:
        """Do what was chosen.

        :raises DomainError: a rule refuses it, for all UTMs.
        """
        session, now, by = db.session(), clock.utc_now(), actor()
        keys = [utm.id for utm in sorted(self.utms, key=lambda utm: utm.utm_id)]
        shown = {keys[0]: key_or_none(self.plan.data)} if self.single else None
        match self.way.data:
            case Way.NOW:
                online_for = current_app.config["UTM_ONLINE_FOR"]
                outcome = reboot_rules.request_now(session, keys, now=now, online_for=online_for, by=by)
            case Way.LATER:
                step = 0 if self.single else self.steps.data or 0
                plans = {key: self._first_time() + SLOT * step * place for place, key in enumerate(keys)}
                outcome = reboot_rules.schedule(session, plans, now=now, by=by, shown=shown)
            case _:
                outcome = reboot_rules.cancel_plans(session, keys, now=now, by=by, shown=shown)
        if self.single:
            outcome.only()
        if not outcome.done:
            raise DomainError(NONE_POSSIBLE, why=" ".join(_skipped(outcome)))
        return outcome

    def _first_time(self) -> datetime:
        at = datetime.combine(self.day.data, time.fromisoformat(self.time.data), clock.TOKYO)
        return at.astimezone(UTC)

    def consequences(self) -> Markup:
        """Return what follows from the choice, for the confirmation; the request that asks for it changes nothing."""
        outcome = self.act()
        names = _named(utm for utm, _ in outcome.done)
        times = sorted(slot_text(reboot.due_at) for _, reboot in outcome.done)
        span = times[0] if times[0] == times[-1] else f"{times[0]} - {times[-1]}"
        match self.way.data:
            case Way.NOW:
                lines = [gettext("Rebooted now: %(names)s", names=names)]
            case Way.LATER:
                lines = [gettext("Rebooted at %(time)s: %(names)s", time=span, names=names)]
            case _:
                lines = [gettext("The reboot scheduled for %(time)s is cancelled: %(names)s", time=span, names=names)]
        if self.way.data != Way.CANCEL:
            lines.append(gettext("The internet cannot be used for some minutes while a UTM reboots."))
        lines += _replaced(outcome) + _skipped(outcome)
        if outcome.not_mailed:
            lines.append(
                gettext("There is no address for the mail to the customer: %(names)s", names=_named(outcome.not_mailed))
            )
        items = Markup("").join(Markup("<li>{}</li>").format(line) for line in lines)
        return Markup('<ul class="mb-0 ps-3">{}</ul>').format(items)

    def flash_outcome(self, outcome: Outcome) -> None:
        """Report what was done, in the manual's words for one UTM."""
        if self.single:
            flash_success(_done_for_one(self.way.data, outcome.done[0][0].utm_id))
        else:
            flash_success(_done_for_many(self.way.data, len(outcome.done)))
        for line in _skipped(outcome):
            flash_warning(line)
        flash_missing_addresses(outcome)


def flash_missing_addresses(outcome: Outcome) -> None:
    """Report which UTMs have no address for the mail about a planned reboot."""
    if outcome.not_mailed:
        flash_warning(gettext(NOBODY_MAILED, names=_named(outcome.not_mailed)))


def _is_online(utm: Utm) -> bool:
    return utm.state(now=clock.utc_now(), online_for=current_app.config["UTM_ONLINE_FOR"]) == UtmState.ONLINE


def _done_for_one(way: str, utm_id: str) -> str:
    match way:
        case Way.NOW:
            return gettext("A reboot of the UTM has been requested. (UTM ID : %(utm_id)s)", utm_id=utm_id)
        case Way.LATER:
            return gettext("The reboot has been scheduled. (UTM ID : %(utm_id)s)", utm_id=utm_id)
        case _:
            return gettext("The scheduled reboot has been cancelled. (UTM ID : %(utm_id)s)", utm_id=utm_id)


def _done_for_many(way: str, count: int) -> str:
    match way:
        case Way.NOW:
            return ngettext(
                "A reboot of %(num)s UTM has been requested.", "A reboot of %(num)s UTMs has been requested.", count
            )
        case Way.LATER:
            return ngettext(
                "A reboot of %(num)s UTM has been scheduled.", "A reboot of %(num)s UTMs has been scheduled.", count
            )
        case _:
            return ngettext(
                "%(num)s scheduled reboot has been cancelled.", "%(num)s scheduled reboots have been cancelled.", count
            )


def _replaced(outcome: Outcome) -> list[str]:
    times = sorted({slot_text(each.due_at) for each in outcome.replaced})
    if not times:
        return []
    shown = ", ".join(times[:_NAMED]) + (" …" if len(times) > _NAMED else "")
    return [gettext("It replaces the reboot scheduled for %(time)s.", time=shown)]


def _skipped(outcome: Outcome) -> list[str]:
    """Return a sentence for each reason why UTMs were skipped, with their names."""
    by_reason = sorted(outcome.skipped, key=lambda each: each[1])
    return [
        gettext("Left out: %(names)s. %(reason)s", names=_named(utm for utm, _ in same), reason=gettext(reason))
        for reason, same in groupby(by_reason, key=lambda each: each[1])
    ]


def _named(utms: Iterable[Utm]) -> str:
    names = [f"{utm.name} ({utm.utm_id})" for utm in utms]
    more = len(names) - _NAMED
    shown = ", ".join(names[:_NAMED])
    return gettext("%(names)s and %(count)s more", names=shown, count=more) if more > 0 else shown
