"""Names of images, as people write them."""

import pytest

from conda_store_artifacts.domain.image_reference import (
    ImageReference,
    is_image_name,
    is_tag,
    usual_image_name,
    usual_tag,
)

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "address", "name", "reference"),
    [
        ("debian", "https://registry-1.docker.io", "library/debian", "latest"),
        ("debian:12", "https://registry-1.docker.io", "library/debian", "12"),
        ("docker.io/library/debian:12", "https://registry-1.docker.io", "library/debian", "12"),
        ("registry-1.docker.io/library/debian:sid-slim", "https://registry-1.docker.io", "library/debian", "sid-slim"),
        ("team/base", "https://registry-1.docker.io", "team/base", "latest"),
        ("registry.example:5000/a/b/c:1.0", "https://registry.example:5000", "a/b/c", "1.0"),
        ("localhost/base", "http://localhost", "base", "latest"),
        ("127.0.0.1:5000/base:1", "http://127.0.0.1:5000", "base", "1"),
        (f"quay.io/a/b@{DIGEST}", "https://quay.io", "a/b", DIGEST),
        (f"quay.io/a/b:1@{DIGEST}", "https://quay.io", "a/b", DIGEST),
    ],
)
def test_reference_is_read_as_docker_reads_it(text: str, address: str, name: str, reference: str) -> None:
    parsed = ImageReference.parse(text)
    assert (parsed.repository.address, parsed.repository.name, parsed.reference) == (address, name, reference)


@pytest.mark.parametrize("text", ["", "Upper/case", "quay.io/a b", "quay.io/a@sha256:12", "a//b"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no name of an image"):
        ImageReference.parse(text)


def test_usual_names_are_of_letters_that_registries_take() -> None:
    assert usual_image_name("Team", "What is_it?", "Us") == "us/team-what-is-it"
    assert is_image_name(usual_image_name("@", "~", None))
    assert usual_tag("0123abcd-1700000000-7-what?") == "0123abcd-1700000000-7-what-"
    assert is_tag(usual_tag("a" * 64 + "-20261126-200000-000000-7-" + "x" * 80))
