"""アラートレベルポリシー, for NEC staff: the rules that decide which alerts are High, their versions and a dry run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, get_template_attribute, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from models import clock, scope
from models.alerts import level_policy, policy_rules
from models.alerts.level_policy import LevelPolicy
from models.db import db
from models.errors import Conflict, DomainError
from models.tenants.tenant import tenant_names
from views.alerts.level_policy_form import LevelPolicyForm, stored_values
from views.alerts.level_policy_tables import dry_run_tables, rules_table, versions_table
from views.arguments import page_number
from views.base import PAGE_SIZE, PortalView, actor, render, url_if
from views.confirmation import response_before_saving, validates_first
from views.flashes import flash_success
from views.forms.errors import add_error
from views.screen import formats
from views.screen.table import Table


class LevelPolicyView(PortalView):
    """The screens of the alert level policy."""

    route_base = "/staff/level-policy"
    class_permission_name = "LevelPolicy"
    tenantless = True

    @expose("/")
    @has_access
    def list(self) -> str:
        """Show the policy in force and the list of its versions."""
        policy = level_policy.in_force(db.session())
        pages = max(1, -(-policy.version // PAGE_SIZE))
        page = min(page_number(), pages)
        rows = level_policy.newest_first(db.session(), limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
        return render(
            "alerts/level_policy.html",
            rules=rules_table(policy),
            versions=versions_table(rows, newest=policy.version, page=page, pages=pages, count=policy.version),
            edit_url=url_if("can_edit", "LevelPolicy", "LevelPolicyView.edit"),
        )

    @expose("/<key:version_key>")
    @has_access
    def show(self, version_key: int) -> str:
        """Show a version of the policy."""
        found = level_policy.version(db.session(), version_key)
        if found is None:
            abort(404)
        policy, row = found
        who = row.created_by if row else gettext("Initial policy")
        facts = [
            (gettext("When"), formats.TIME.cell(row.created_at if row else None), "tnum"),
            (gettext("Who"), who, ""),
        ]
        return render("alerts/level_policy_version.html", number=policy.version, facts=facts, rules=rules_table(policy))

    @validates_first
    @expose("/edit", methods=["GET", "POST"])
    @has_access
    def edit(self) -> Any:
        """Change the policy, try a change out, or add, remove or move a rule in the form."""
        if request.method == "GET":
            return _page(LevelPolicyForm(data=stored_values(level_policy.in_force(db.session()))))
        form = LevelPolicyForm()
        if form.change_rules():
            return _page(form)
        if "dry_run" in request.form:
            return _page(form, _dry_run(form.policy())) if form.validate() else (_page(form), 422)
        return _saved(form)


def _saved(form: LevelPolicyForm) -> Any:
    """Save the policy after the confirmation, and return the response."""
    try:
        # The change is tried before the confirmation, to show its errors first; it is then rolled back.
        if (answer := response_before_saving(form, lambda: _page(form), lambda: _consequences(form))) is not None:
            return answer
        _save(form)
    except Conflict:
        db.session.rollback()
        form.version.data = str(level_policy.in_force(db.session()).version)
        form.form_errors.append(
            gettext("Somebody else changed the policy in the meantime. Compare it with yours, and save again.")
        )
        return _page(form), 409
    except DomainError as error:
        db.session.rollback()
        add_error(form, error)
        return _page(form), 422
    flash_success(gettext("The policy has been changed. It applies to alerts that arrive from now on."))
    return redirect(url_for("LevelPolicyView.list"))


def _save(form: LevelPolicyForm) -> None:
    policy = form.policy()
    policy_rules.save(db.session(), policy.rules, policy.default_level, shown=form.version.shown, by=actor())


def _consequences(form: LevelPolicyForm) -> Any:
    """Return the result of a dry run, for the confirmation."""
    _save(form)
    # Not during the dry run: the change would keep others from saving.
    db.session.rollback()
    return get_template_attribute("alerts/_dry_run.html", "dry_run")(_dry_run(form.policy()))


def _dry_run(policy: LevelPolicy) -> Sequence[Table]:
    with scope.all_tenants("the policy is the same for every tenant") as session:
        found = policy_rules.dry_run(session, policy, now=clock.utc_now())
        tenants = tenant_names(session)
    return dry_run_tables(found, tenants)


def _page(form: LevelPolicyForm, tables: Sequence[Table] | None = None) -> str:
    return render(
        "alerts/level_policy_form.html",
        form=form,
        tables=tables,
        list_url=url_for("LevelPolicyView.list"),
    )
