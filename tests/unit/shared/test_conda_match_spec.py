"""What counts as a valid dependency (contract §2.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_shared.conda.match_spec import (
    channel_of_match_spec,
    check_dependencies,
    match_spec_name,
    parse_match_spec,
    parse_requirement,
)
from conda_store_shared.domain.pip_options import parse_pip_option
from conda_store_shared.domain.specification import Specification
from conda_store_shared.errors import InvalidSpecification


@pytest.mark.parametrize(
    ("text", "name", "version", "build"),
    [
        ("numpy", "numpy", None, None),
        ("NumPy", "numpy", None, None),
        ("_libgcc_mutex", "_libgcc_mutex", None, None),
        ("numpy 1.26", "numpy", "==1.26", None),
        ("numpy=1.26", "numpy", "1.26.*", None),
        ("numpy==1.26", "numpy", "==1.26", None),
        ("numpy=1.26.*", "numpy", "1.26.*", None),
        ("numpy 1.26.* *_openblas", "numpy", "1.26.*", "*_openblas"),
        ("numpy 1.26.4 py311_0", "numpy", "==1.26.4", "py311_0"),
        ("python=3.11=*_cpython", "python", "==3.11", "*_cpython"),
        ("python=3.11.*=*_cpython", "python", "3.11.*", "*_cpython"),
        ("numpy>=1.2,<2", "numpy", ">=1.2,<2", None),
        ("numpy >=1.2 , <2", "numpy", ">=1.2,<2", None),
        ("numpy >= 1.2", "numpy", ">=1.2", None),
        ("numpy 1.2|1.3", "numpy", "==1.2|==1.3", None),
        ("numpy ~=1.2", "numpy", "~=1.2", None),
        ("numpy!=1.3", "numpy", "!=1.3", None),
        ("numpy *", "numpy", "*", None),
        ("numpy[version='>=1.2',build='py*']", "numpy", ">=1.2", "py*"),
        ("forge::numpy>=1", "numpy", ">=1", None),
        ("forge/label/dev::numpy", "numpy", None, None),
        ("https://h.example/c::numpy 1.2.*", "numpy", "1.2.*", None),
        ("openssl 1.1.1w", "openssl", "==1.1.1w", None),
    ],
)
def test_match_spec_is_read_in_every_form_conda_documents(
    text: str, name: str, version: str | None, build: str | None
) -> None:
    spec = parse_match_spec(text)
    assert (match_spec_name(text), spec.version, spec.build) == (name, version, build)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "foo bar baz qux",
        "foo bar",
        "-bad",
        ".bad",
        "num*",
        "*",
        "^num.*$",
        "numpy==",
        "numpy>1 <2",
        "numpy>=1.2,<",
        "numpy # [linux]",
        "numpy\nscipy",
        "numpy;x",
        "numpy@1",
        "numpy[foo=bar]",
        'numpy[when="python"]',
        "numpy[extras=[a]]",
        "../x::numpy",
        "/etc::numpy",
        "file:///x::numpy",
        "a::b::c",
        "http://h.example/noarch/numpy-1.2-0.conda",
        "numpy\x00",
        "n" * 1001,
    ],
)
def test_match_spec_is_refused_when_conda_would_not_know_what_is_meant(text: str) -> None:
    with pytest.raises(InvalidSpecification) as refused:
        parse_match_spec(text)
    assert refused.value.message == f"Invalid conda package dependency specification {text[:1000]}"


@given(st.text(max_size=60))
def test_match_spec_is_read_or_refused_whatever_the_text_is(text: str) -> None:
    try:
        parse_match_spec(text)
    except InvalidSpecification:
        return
    assert "\n" not in text


def test_channel_of_a_match_spec_stands_before_two_colons() -> None:
    assert channel_of_match_spec("forge::numpy") == "forge"
    assert channel_of_match_spec("numpy") is None


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("--index-url https://i.example/simple", ("--index-url", "https://i.example/simple")),
        ("--extra-index-url=https://i.example/simple", ("--extra-index-url", "https://i.example/simple")),
        ("--trusted-host i.example", ("--trusted-host", "i.example")),
    ],
)
def test_pip_option_is_read_in_both_spellings(text: str, option: tuple[str, str]) -> None:
    assert parse_pip_option(text) == option


@pytest.mark.parametrize("text", ["--find-links /x", "-r other.txt", "--index-url", "--index-url a b", "-e ."])
def test_pip_option_is_refused_when_it_is_not_supported(text: str) -> None:
    with pytest.raises(InvalidSpecification) as refused:
        parse_pip_option(text)
    assert refused.value.message == (
        f"Invalid pip option '{text}' supported options are ['--index-url', '--extra-index-url', '--trusted-host']"
    )


@pytest.mark.parametrize(
    "text", ["flask", "Flask[async]>=2,<4", "x @ https://h.example/x-1-py3-none-any.whl", "a; python_version<'3'"]
)
def test_requirement_is_read_when_it_follows_the_peps(text: str) -> None:
    assert parse_requirement(text).name.lower() in {"flask", "x", "a"}


@pytest.mark.parametrize("text", ["", "flask==", "flask\n--index-url http://evil.example", "./local", "a b"])
def test_requirement_is_refused_when_it_does_not(text: str) -> None:
    with pytest.raises(InvalidSpecification) as refused:
        parse_requirement(text)
    assert refused.value.message.startswith(f'Invalid pypi package dependency "{text}" ensure it follows peps')


def test_dependencies_are_reported_all_together_when_several_are_wrong() -> None:
    specification = Specification.from_value(
        {"name": "x", "dependencies": ["good", "bad==", {"pip": ["fine", "--nope x", "also bad"]}]}
    )
    with pytest.raises(InvalidSpecification) as refused:
        check_dependencies(specification)
    lines = refused.value.message.splitlines()
    assert [line.split(" (type=")[1] for line in lines] == ["value_error, loc=('dependencies',))"] * 3
    assert lines[0].startswith("Invalid conda package dependency specification bad==")


def test_dependencies_are_taken_when_all_are_right() -> None:
    check_dependencies(Specification.from_value({"name": "x", "dependencies": ["a", "b>1", {"pip": ["c"]}]}))
