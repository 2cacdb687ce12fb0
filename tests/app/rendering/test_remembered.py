"""Parts of a page that are written once for the same values."""

from __future__ import annotations

import pytest
from jinja2 import nodes
from markupsafe import Markup

PART = "{% macro part(name) %}{{ told() }}{{ _('Menu') }}: {{ name }}{% endmacro %}"

# What a part may find beside its values: words, icons and addresses of files, which language and place decide.
KNOWN = {"_", "dict", "icon", "kwargs", "loop", "ngettext", "static_url", "varargs"}


@pytest.fixture
def written(app):
    """Writes a part in a language, and counts how often that was done."""
    told = []
    part = app.jinja_env.from_string(PART, globals={"told": lambda: told.append(1) or ""}).module.part

    def write(name, language="ja"):
        with app.test_request_context(headers={"Cookie": f"language={language}"}):
            return str(app.jinja_env.globals["remembered"](part, name))

    write.told = told
    return write


def test_a_part_is_written_once_for_the_same_values(written):
    assert [written("<a>"), written("<a>")] == ["メニュー: &lt;a&gt;"] * 2
    assert len(written.told) == 1


def test_other_values_and_another_language_are_written_anew(written):
    assert [written("a"), written("b"), written("a", "en")] == ["メニュー: a", "メニュー: b", "Menu: a"]
    assert len(written.told) == 3


def test_a_text_is_not_taken_for_markup_of_the_same_letters(written):
    assert [written(Markup("<a>")), written("<a>")] == ["メニュー: <a>", "メニュー: &lt;a&gt;"]


def test_a_name_in_the_breadcrumbs_is_not_taken_for_a_label_of_the_same_letters(app):
    header = app.jinja_env.from_string("{% from 'shell/header.html' import page_header %}{{ page_header({}, crumbs) }}")

    with app.test_request_context():
        pages = [header.render(crumbs=[(label, "/"), ("x", None)]) for label in (Markup("<a>"), "<a>")]

    assert [page.count("&lt;a&gt;") for page in pages] == [0, 2]


def test_parts_depend_on_their_values_alone(app):
    """Whatever else a macro found would be the first request's for all others: a token, a name, an address."""
    files = {name: app.jinja_env.parse(source(app, name)) for name in app.jinja_env.list_templates(["html"])}
    found = {(file, macro) for file, tree in files.items() for macro in remembered_macros(tree)}

    assert len(found) > 5
    assert {each: strange(files, *each) for each in found if strange(files, *each)} == {}
    assert [each for each in found if not only_macros(files[macro_of(files, *each)[0]])] == []


def source(app, name):
    return app.jinja_env.loader.get_source(app.jinja_env, name)[0]


def remembered_macros(tree):
    """The name of each macro a template has remembered, by itself or row by row."""
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in {"remembered", "repeated"}:
            yield call.args[0].name


def strange(files, file, name):
    """What a macro finds beside its values and what it may find, in the macros it calls too."""
    file, macro = macro_of(files, file, name)
    own = {each.name for each in macro.args} | {
        each.name for each in macro.find_all(nodes.Name) if each.ctx in {"store", "param"}
    }
    others = {each.name for each in macro.find_all(nodes.Name) if each.ctx == "load"} - own - KNOWN
    called = {each for each in others if macro_of(files, file, each)}
    return (others - called).union(*(strange(files, file, each) for each in called))


def macro_of(files, file, name):
    """The file and the tree of a macro as a file names it, None when it knows none of that name."""
    for macro in files[file].find_all(nodes.Macro):
        if macro.name == name:
            return file, macro
    for imported in files[file].find_all(nodes.FromImport):
        if name in imported.names:
            return macro_of(files, imported.template.value, name)
    return None


def only_macros(tree):
    """Whether a template writes nothing by itself, and so is imported, and its macros the same for all requests."""
    return all(
        isinstance(each, (nodes.Macro, nodes.FromImport))
        or (isinstance(each, nodes.Output) and all(is_blank(part) for part in each.nodes))
        for each in tree.body
    )


def is_blank(part):
    return isinstance(part, nodes.TemplateData) and not part.data.strip()
