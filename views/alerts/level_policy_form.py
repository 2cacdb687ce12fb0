"""The form of the alert level policy: rules in order, and the level of all other alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import request
from flask_babel import gettext, lazy_gettext
from wtforms import Form, FormField, SelectField
from wtforms.fields.choices import SelectChoice

from models.alerts.alert import AlertLevel
from models.alerts.level_policy import CONDITIONS, LevelPolicy, LevelRule
from models.alerts.policy_rules import MAX_LENGTH, MAX_RULES, NO_CONDITION, TOO_MANY_RULES
from views.alerts.rows import FUNCTION_NAMES
from views.arguments import whole_number
from views.forms.fields import MaxLength, OneLine, TextField, VersionField
from views.forms.row_list import RowList
from views.screen.form import ScreenForm

LEVEL_NAMES = {AlertLevel.HIGH.value: lazy_gettext("High"), AlertLevel.LOW.value: lazy_gettext("Low")}
CONDITION_LABELS = {
    "function": lazy_gettext("Security function"),
    "sender_level": lazy_gettext("Level sent by the UTM"),
    "severity": lazy_gettext("Severity"),
    "action": lazy_gettext("Action"),
    "category": lazy_gettext("Category"),
    "signature": lazy_gettext("Signature"),
}

_ANY = SelectChoice("", lazy_gettext("Any"))
_LEVELS = [SelectChoice(level, name) for level, name in LEVEL_NAMES.items()]


def _text(name: str, description: Any) -> TextField:
    return TextField(
        CONDITION_LABELS[name],
        [MaxLength(MAX_LENGTH), OneLine()],
        description=description,
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )


class RuleForm(Form):
    """The form of one rule."""

    function = SelectField(
        CONDITION_LABELS["function"],
        choices=[_ANY, *(SelectChoice(str(each), lazy_gettext(name)) for each, name in FUNCTION_NAMES.items())],
    )
    sender_level = SelectField(CONDITION_LABELS["sender_level"], choices=[_ANY, *_LEVELS])
    severity = _text("severity", lazy_gettext("Exactly as the UTM sends it, such as 5 or Major."))
    action = _text("action", lazy_gettext("Such as pass or block."))
    category = _text("category", lazy_gettext("The name or the ID of the category."))
    signature = _text("signature", lazy_gettext("The ID of the threat, or a part of the virus name or of the message."))
    level = SelectField(lazy_gettext("Alert level"), choices=_LEVELS)

    @property
    def rule(self) -> LevelRule:
        """The rule. The form must be valid."""
        return LevelRule(self.level.data, **{name: self[name].data or "" for name in CONDITIONS})


class LevelPolicyForm(ScreenForm):
    """The form of a policy."""

    # One more than allowed, so that the rule can detect and report too many rules.
    rules = RowList(FormField(RuleForm), max_entries=MAX_RULES + 1)
    default_level = SelectField(lazy_gettext("Level of all other alerts"), choices=_LEVELS)
    version = VersionField()

    def change_rules(self) -> bool:
        """Add, remove or move a rule if one of the buttons for this was pressed.

        :returns: whether the page is only to be shown again.
        """
        rules: Any = self.rules
        if "add_rule" in request.form:
            if len(rules.entries) < MAX_RULES:
                rules.append_entry({"level": AlertLevel.HIGH.value})
            else:
                rules.errors = [gettext(TOO_MANY_RULES, most=MAX_RULES)]
            return True
        for button, step in (("remove_rule", 0), ("move_up", -1), ("move_down", 1)):
            if button in request.form:
                number = whole_number(request.form[button], most=MAX_RULES)
                if number is not None and number < len(rules.entries):
                    self._change(number, step)
                return True
        return False

    def _change(self, number: int, step: int) -> None:
        """Move a rule, or remove it.

        :param step: -1 for up, 1 for down, 0 to remove it.
        """
        entries = self.rules.entries
        if step == 0:
            del entries[number]
        elif 0 <= number + step < len(entries):
            # The names of the fields say the order, so the values are exchanged and not the entries.
            one, other = entries[number].form, entries[number + step].form
            for field in one:
                field.data, other[field.short_name].data = other[field.short_name].data, field.data

    def validate(self, extra_validators: Any = None) -> bool:
        """Validate the fields; each rule needs a condition."""
        good: bool = super().validate(extra_validators)
        for entry in self.rules.entries:
            if not entry.form.errors and not entry.form.rule.is_conditional:
                entry.form.function.errors = [gettext(NO_CONDITION)]
                good = False
        return good

    def policy(self) -> LevelPolicy:
        """Return the policy. The form must be valid."""
        rules = tuple(entry.form.rule for entry in self.rules.entries)
        return LevelPolicy(self.version.shown + 1, rules, self.default_level.data)

    def labelled_fields(self) -> list[tuple[Any, str]]:
        """Return the fields with their labels; those of a rule with its number."""
        labelled = [(field, label) for field, label in super().labelled_fields() if field.type != "RowList"]
        if all(isinstance(error, str) for error in self.rules.errors):
            labelled.append((self.rules, gettext("Rules")))
        return [*self._rule_fields(), *labelled]

    def _rule_fields(self) -> Iterator[tuple[Any, str]]:
        for number, entry in enumerate(self.rules.entries, 1):
            for field in entry.form:
                yield field, gettext("Rule %(number)s: %(label)s", number=number, label=field.label.text)


def stored_values(policy: LevelPolicy) -> dict[str, Any]:
    """Return the values of the form for a policy."""
    rules = [{name: getattr(rule, name) for name in ("level", *CONDITIONS)} for rule in policy.rules]
    return {"rules": rules, "default_level": policy.default_level, "version": str(policy.version)}
