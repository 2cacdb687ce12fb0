"""Rules for the portal's own stylesheets, scripts and templates."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from app.web import static_files

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "app" / "static"
STYLESHEETS = sorted((STATIC / "css").glob("*.css"))
SCRIPTS = sorted((STATIC / "js").glob("*.js"))
TEMPLATES = sorted((ROOT / "app" / "templates").rglob("*.html"))
MAX_LINES = 400

COLOUR = re.compile(
    r"#[0-9a-f]{3,8}\b"
    r"|(?<![\w-])(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color)\("
    r"|(?<![\w-])(?:black|white|gr[ae]y|silver|red|maroon|green|lime|olive|blue|navy|teal|aqua|yellow|orange|purple)(?![\w-])",
    re.IGNORECASE,
)
WORD = re.compile(r"[a-z][\w-]*", re.IGNORECASE)
UNSEEN = {"icon": "the global icon() of the templates writes it in front of other classes"}
"""Classes that are used although no text shows it, and where they come from."""


def declared_values(css: str) -> list[str]:
    """Return the values of all declarations in a stylesheet."""
    return re.findall(r"[\w-]+\s*:\s*([^:;{}]+);", without_comments(css))


def without_comments(css: str) -> str:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)


def colours(css: str) -> list[str]:
    """Return the values in which a stylesheet writes a colour instead of naming a variable."""
    return [value for value in declared_values(css) if COLOUR.search(value)]


def classes(css: str) -> set[str]:
    """Return the classes in the selectors of a stylesheet."""
    selectors = re.findall(r"([^{};]+)\{", without_comments(css))
    return {name for each in selectors for name in re.findall(r"\.([a-z][\w-]*)", each, re.IGNORECASE)}


class Names:
    """The class names that templates, scripts and Python code write, as far as their text shows."""

    def __init__(self) -> None:
        self.words: set[str] = set()
        self.beginnings: set[str] = set()
        self.endings: set[str] = set()

    def add_template(self, text: str) -> None:
        """Take the class attributes of a template, and the strings of its expressions: a name may be put together there."""
        for value in re.findall(r'\bclass="([^"]*)"', text):
            for name in re.sub(r"\{[{%].*?[}%]\}", "{{", value, flags=re.DOTALL).split():
                beginning, _, rest = name.partition("{{")
                self.words.add(beginning)
                if rest == "" and beginning.endswith("-"):
                    self.beginnings.add(beginning)
        for expression in re.findall(r"\{[{%].*?[}%]\}", text, re.DOTALL):
            self._add_strings(re.sub(r'\b_\(\s*"[^"]*"', "", expression))

    def add_script(self, text: str) -> None:
        """Take the strings of a script, selectors among them."""
        self._add_strings(text)
        self.beginnings |= set(re.findall(r"([a-z]+-)\$\{", text))

    def add_python(self, text: str) -> None:
        """Take the class attributes that a module gives to a field or writes as markup."""
        for value in re.findall(r"""\b(?:class_?|css)["']?\s*[:=]\s*f?["']([^"']*)""", text):
            self.words |= set(value.split())
        self.endings |= set(re.findall(r"""["']([a-z]+)["']""", text))

    def _add_strings(self, text: str) -> None:
        for _, string in re.findall(r"""(["'`])(.*?)\1""", text, re.DOTALL):
            self.words |= set(WORD.findall(string))
            self.endings |= set(WORD.findall(string))

    def has(self, name: str) -> bool:
        """Whether some text writes the name, in one piece or put together of two."""
        return name in self.words or any(
            name.startswith(each) and name.removeprefix(each) in self.endings for each in self.beginnings
        )


@pytest.fixture(scope="module")
def names() -> Names:
    found = Names()
    for path in (ROOT / "app" / "templates").rglob("*.html"):
        found.add_template(path.read_text(encoding="utf-8"))
    for path in SCRIPTS:
        found.add_script(path.read_text(encoding="utf-8"))
    for folder in ("app", "models", "views"):
        for path in (ROOT / folder).rglob("*.py"):
            found.add_python(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def markup() -> str:
    """Everything that writes markup: the templates, and the views with the attributes of their fields."""
    paths = [*(ROOT / "app" / "templates").rglob("*.html"), *(ROOT / "views").rglob("*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def ids(paths: Iterable[Path]) -> list[str]:
    return [path.name for path in paths]


@pytest.mark.parametrize("path", STYLESHEETS, ids=ids(STYLESHEETS))
def test_colours_are_written_only_in_the_variables_file(path):
    if path.name == "variables.css":
        assert colours(path.read_text(encoding="utf-8"))
    else:
        found = colours(path.read_text(encoding="utf-8"))
        assert not found, f"{path.name} holds {found}: name them in css/variables.css, or use a name that is there."


@pytest.mark.parametrize("path", STYLESHEETS, ids=ids(STYLESHEETS))
def test_no_stylesheet_depends_on_the_orientation(path):
    # The browser tests do not let axe read stylesheets for its rule about this.
    assert "orientation" not in path.read_text("utf-8")


@pytest.mark.parametrize("path", STYLESHEETS, ids=ids(STYLESHEETS))
def test_every_class_of_a_stylesheet_is_used(path, names):
    unused = sorted(name for name in classes(path.read_text(encoding="utf-8")) - UNSEEN.keys() if not names.has(name))
    assert not unused, f"{path.name} styles {unused}, which no template, script or Python file names: remove the rules."


def test_no_class_is_used_that_is_left_out_of_tabler(names):
    left_out = (ROOT / "tools" / "tabler" / "left-out.txt").read_text(encoding="utf-8").split()
    used = [name for name in left_out if names.has(name)]
    assert not used, f"app/static/vendor/tabler lacks the rules for {used}: build it again with make vendor."


@pytest.mark.parametrize("path", SCRIPTS, ids=ids(SCRIPTS))
def test_every_data_attribute_that_a_script_looks_for_is_set(path, markup):
    wanted = set(re.findall(r"\[(data-[a-z-]+)", path.read_text(encoding="utf-8")))
    unset = sorted(each for each in wanted if not re.search(rf"\b{each}(?![\w-])", markup))
    assert not unset, f"{path.name} looks for {unset}, which no template or view sets: remove the code."


@pytest.mark.parametrize(
    "path", [*STYLESHEETS, *SCRIPTS, *TEMPLATES], ids=lambda path: str(path.relative_to(ROOT / "app"))
)
def test_no_stylesheet_script_or_template_is_longer_than_400_lines(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES, f"{path.name} has {lines} lines: split it, {MAX_LINES} are the most."


def test_a_page_links_one_file_with_every_stylesheet_once_and_the_variables_first(client):
    page = client.get("/login/").get_data(as_text=True)
    (linked,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', page)
    served = client.get(linked)
    places = {path.name: served.text.find(path.read_text(encoding="utf-8")) for path in STYLESHEETS}

    assert min(places.values()) > 0
    assert min(places, key=places.__getitem__) == "variables.css"
    assert sorted(static_files.STYLESHEETS[1:]) == [f"css/{path.name}" for path in STYLESHEETS]


def test_two_scripts_load_all_others(client):
    page = client.get("/login/").get_data(as_text=True)
    linked = re.findall(r'<script[^>]*src="[^"]*/js/([^"]+)"', page)

    assert linked == ["early.js", "main.js"]
    assert imported(*linked) == set(ids(SCRIPTS))


def imported(*scripts: str) -> set[str]:
    """Return some scripts and all they import. Imports are relative, because the portal may run under a URL prefix."""
    names, found = list(scripts), set()
    while names:
        name = names.pop()
        found.add(name)
        specifiers = re.findall(
            r'^import .*?"([^"]+)";', (STATIC / "js" / name).read_text(encoding="utf-8"), re.MULTILINE
        )
        assert all(each.startswith("./") for each in specifiers), f"{name}: begin what is imported with ./"
        names += [each.removeprefix("./") for each in specifiers if each.removeprefix("./") not in found]
    return found


@pytest.mark.parametrize(
    ("css", "found"),
    [
        (".a { color: #fff; }", ["#fff"]),
        (".a { border: 1px solid RED; }", ["1px solid RED"]),
        (".a { background: rgb(0 0 0 / 5%); }", ["rgb(0 0 0 / 5%)"]),
        (".tone-red:hover { color: var(--portal-red-text); }", []),
        ("/* .a { color: #fff; } */ #fade { color: inherit; }", []),
    ],
)
def test_colours_finds_literals_and_ignores_names_and_comments(css, found):
    assert colours(css) == found


@pytest.mark.parametrize(
    ("name", "used"),
    [
        ("card", True),
        ("wide", True),
        ("tone-red", True),
        ("tone-pink", False),
        ("narrow", False),
        ("hidden-part", True),
    ],
)
def test_names_knows_classes_that_are_put_together(name, used):
    names = Names()
    names.add_template("""<p class="card{{ ' wide' if wide }} tone-{{ tone }}">narrow</p>{{ badge("red") }}""")
    names.add_script("""document.querySelector(".hidden-part")""")

    assert names.has(name) is used


def test_vendored_files_are_those_that_the_manifest_names():
    vendor = STATIC / "vendor"
    packages = json.loads((vendor / "manifest.json").read_text("utf-8"))["packages"]
    licences = [each["licence_file"] for package in packages for each in (package, *package.get("contains", ()))]

    # The sprite of icons is not as published: it changes with every icon that is added.
    for each in (file for package in packages if "icons" not in package for file in package["files"]):
        found = hashlib.sha256((vendor / each["file"]).read_bytes()).hexdigest()
        assert found == each["sha256"], f"{each['file']} is another one than manifest.json says."
    assert all((vendor / each).is_file() for each in licences)


ICON = re.compile(
    r'\bicon\("([a-z-]+)"|\bicon="([a-z-]+)"|\bEmpty\(\s*"([a-z-]+)"|\bLabels\((?:\s*lazy_gettext\("[^"]*"\),){2}\s*"([a-z-]+)"'
)
"""The name of an icon in a template, an action, an empty list, or the labels of a screen."""


@pytest.fixture(scope="module")
def symbols() -> set[str]:
    """The names of the icons in the sprite."""
    return set(re.findall(r'id="tabler-([a-z0-9-]+)"', (STATIC / "icons.svg").read_text("utf-8")))


def test_every_icon_that_is_used_exists(symbols):
    files = [*(ROOT / "views").rglob("*.py"), *(ROOT / "app" / "templates").rglob("*.html")]

    used = {name for file in files for found in ICON.findall(file.read_text("utf-8")) for name in found if name}

    assert len(used) > 20
    assert not used - symbols


def test_every_icon_of_the_sprite_is_used(symbols):
    guide = ROOT / "docs" / "howto" / "add-a-screen.md"  # The screen of the guide has an icon of its own.
    files = [
        *(ROOT / "views").rglob("*.py"),
        *(ROOT / "app").rglob("*.py"),
        *(ROOT / "app").rglob("*.html"),
        *SCRIPTS,
        guide,
    ]
    text = "\n".join(file.read_text("utf-8") for file in files)

    unused = sorted(name for name in symbols if not re.search(rf"""["'](?:#tabler-)?{name}["']""", text))

    assert not unused, (
        f"icons.svg holds {unused}, which nothing names: remove the symbols, and their names in manifest.json."
    )


def test_the_manifest_names_the_icons_of_the_sprite(symbols):
    packages = json.loads((STATIC / "vendor" / "manifest.json").read_text("utf-8"))["packages"]

    assert [package["icons"] for package in packages if "icons" in package] == [sorted(symbols)]
