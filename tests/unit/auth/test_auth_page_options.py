"""The pages as the administrator wants them: banner, logo, templates of their own (contract §5.4)."""

from pathlib import Path
from typing import Any

import pytest
from starlette.templating import Jinja2Templates
from traitlets.config import Config

from conda_store_auth.config import read_options
from conda_store_auth.routes.pages import Pages
from conda_store_auth.routes.pages.template_set import PageOptions
from conda_store_shared.errors import ConfigurationError

LOGO = "https://logos.example/images/conda-store.svg"
BANNER = '<div class="alert" style="color: red">This is a <b>localhost</b> server</div>'


def policy_of(answer: Any) -> dict[str, str]:
    """The directives of the answer's Content-Security-Policy."""
    directives = answer.headers["Content-Security-Policy"].split("; ")
    return {name: sources for name, _, sources in (directive.partition(" ") for directive in directives)}


async def test_login_page_shows_banner_and_logo(auth: Any) -> None:
    async with auth.client(variables={"banner": BANNER, "logo": LOGO}) as browser:
        page = await browser.get("/login/")
    assert BANNER in page.text
    assert f'<img src="{LOGO}" alt="">' in page.text
    assert "<svg" not in page.text
    policy = policy_of(page)
    assert policy["img-src"] == "'self' data: https://logos.example"
    # Styles of elements are the banner's; what it might execute is not executed.
    assert (policy["style-src-attr"], "unsafe-inline" in policy["script-src"]) == ("'unsafe-inline'", False)


async def test_login_page_has_neither_unless_they_are_set(auth: Any) -> None:
    async with auth.client() as browser:
        page = await browser.get("/login/")
    assert 'class="banner"' not in page.text
    assert "<img" not in page.text
    assert (policy_of(page)["img-src"], "style-src-attr" in policy_of(page)) == ("'self' data:", False)


async def test_logo_is_text_and_banner_is_html(auth: Any) -> None:
    async with auth.client(variables={"logo": '/logo.svg" onerror="x'}, login_html="{{ banner }}") as browser:
        page = await browser.get("/login/")
    assert '<img src="/logo.svg&#34; onerror=&#34;x" alt="">' in page.text


@pytest.mark.parametrize("wrapped", [False, True])
async def test_templates_take_the_place_of_ours_of_the_same_name(auth: Any, tmp_path: Path, wrapped: bool) -> None:
    (tmp_path / "login.html").write_text(
        "{% extends 'shell.html' %}{% block content %}<h1>Welcome to {{ place }}</h1>"
        "<form action=\"{{ url_for('post_login_method') }}\"><link href=\"{{ url_for('static', path='/own.css') }}\">"
        "{{ request.url.path }} {{ url_for('get_conda_store_ui') }}{% endblock %}"
    )
    templates = Jinja2Templates(directory=str(tmp_path)) if wrapped else str(tmp_path)
    async with auth.client(templates=templates, variables={"place": "<Oz>"}, url_prefix="/store") as browser:
        page = await browser.get("/store/login/")
    assert "<h1>Welcome to &lt;Oz&gt;</h1>" in page.text
    assert '<form action="/store/login/"><link href="/store/static/own.css">/store/login/ /store/' in page.text
    assert "<svg" in page.text
    assert policy_of(page)["script-src"] == "'self' 'unsafe-inline'"
    assert policy_of(page)["form-action"] == "'self'"


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("{% extends 'shell.html' %}\n{% block", "CondaStoreServer.templates: login.html, line 2: "),
        ("{{ nothing_like() }", "CondaStoreServer.templates: login.html, line 1: "),
    ],
)
def test_template_that_is_broken_is_named_at_the_start(tmp_path: Path, file: str, told: str) -> None:
    (tmp_path / "login.html").write_text(file)
    with pytest.raises(ConfigurationError) as raised:
        Pages(PageOptions(templates=str(tmp_path)))
    assert raised.value.message.startswith(told)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"login_html": "<p>\n{% if %}"}, "Authentication.login_html, line 2: "),
        ({"templates": "/no/such/directory"}, "CondaStoreServer.templates: /no/such/directory is no directory"),
        ({"templates": 7}, "CondaStoreServer.templates is a directory of templates, or Jinja2Templates"),
    ],
)
def test_pages_that_cannot_be_are_refused_at_the_start(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Pages(PageOptions(**options))
    assert raised.value.message.startswith(told)


def test_options_of_pages_are_read(tmp_path: Path) -> None:
    sections = {
        "AuthenticationBackend": {"secret": "s" * 32},
        "CondaStoreServer": {"templates": str(tmp_path), "template_vars": {"banner": "hello"}},
    }
    pages = read_options(Config(sections)).pages
    assert (pages.templates, pages.variables) == (str(tmp_path), {"banner": "hello"})
