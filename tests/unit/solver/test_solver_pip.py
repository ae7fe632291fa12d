"""The pip section: what is asked, what conda provides, which wheel fits."""

import pytest
from packaging.version import Version

from conda_store_shared.errors import InvalidSpecification, StageFailure
from conda_store_solver.domain.packages import CondaPackage, PipPackage
from conda_store_solver.domain.pip_section import PipRequest, PipSection
from conda_store_solver.domain.pip_targets import best_wheel, uv_platform, wheel_tags
from conda_store_solver.domain.pypi_names import distributions
from conda_store_solver.use_cases.solve_pip import PipTarget, solve_pip

LINUX = PipTarget(platform="linux-64", glibc="2.28", macos=None)


def a_package(name: str, version: str = "1.0", *depends: str, purls: tuple[str, ...] = ()) -> CondaPackage:
    return CondaPackage(
        name=name, version=version, build="0", url="https://h.example/c/noarch/x", md5="0" * 32, sha256=None,
        depends=depends, purls=purls,
    )  # fmt: skip


class ListedWheels:
    """A compiler that answers with a fixed list and remembers what it was asked."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.requests: list[PipRequest] = []

    async def compile(self, request: PipRequest) -> tuple[PipPackage, ...]:
        self.requests.append(request)
        return tuple(
            PipPackage(name=name, version="1", url=f"https://i.example/{name}.whl", sha256="0" * 64)
            for name in self.names
        )


def test_section_keeps_requirements_and_options_apart() -> None:
    section = PipSection.from_texts(
        ["--index-url https://i.example/simple", "flask>=2", "--extra-index-url=https://j.example", "--trusted-host k"]
    )
    assert [str(one) for one in section.requirements] == ["flask>=2"]
    assert section.index_url == "https://i.example/simple"
    assert (section.extra_index_urls, section.trusted_hosts) == (("https://j.example",), ("k",))


@pytest.mark.parametrize(
    "text",
    ["--index-url file:///etc", "--extra-index-url /srv/simple", "x @ file:///etc/passwd", "x @ git+ssh://h.example/x"],
)
def test_section_is_refused_when_it_reads_this_machine_or_needs_a_build(text: str) -> None:
    with pytest.raises(InvalidSpecification, match="http or https"):
        PipSection.from_texts([text])


async def test_pip_leaves_out_what_conda_provides_and_is_constrained_by_it() -> None:
    compiler = ListedWheels("h2", "httpx", "torch")
    conda = (
        a_package("python", "3.12.1"),
        a_package("httpx", "0.27.0", "python >=3.8"),
        a_package("pytorch", "2.3.0", "python_abi 3.12.* *_cp312"),
        a_package("zlib", "1.3"),
    )
    found = await solve_pip(PipSection.from_texts(["httpx[http2]"]), LINUX, conda, compiler=compiler)
    assert [package.name for package in found] == ["h2"]
    [request] = compiler.requests
    assert request.constraints == ("httpx==0.27.0", "torch==2.3.0")
    assert (request.python_version, request.platform, request.glibc) == ("3.12.1", "linux-64", "2.28")


async def test_pip_is_refused_when_there_is_no_python() -> None:
    with pytest.raises(StageFailure, match="needs python") as refused:
        await solve_pip(PipSection.from_texts(["six"]), LINUX, (a_package("zlib"),), compiler=ListedWheels())
    assert refused.value.cause == "unsatisfiable"


def test_purls_tell_the_distribution_when_the_channel_publishes_them() -> None:
    package = a_package("ruamel-thing", "0.18", "python", purls=("pkg:pypi/ruamel.yaml", "pkg:github/x/y"))
    assert distributions(package) == {"ruamel-yaml": Version("0.18")}


def test_purl_version_stands_above_that_of_the_package() -> None:
    assert distributions(a_package("x", "1", purls=("pkg:pypi/y@2.1?a=b",))) == {"y": Version("2.1")}


def test_package_is_no_distribution_when_it_does_not_depend_on_python() -> None:
    assert distributions(a_package("protobuf-libs", "1", "libstdcxx", "pythonlike")) == {}


def test_distribution_has_no_version_when_conda_s_is_none_of_pypi() -> None:
    assert distributions(a_package("odd", "2024a_b_c", "python")) == {"odd": None}


@pytest.mark.parametrize(
    ("platform", "glibc", "name"),
    [
        ("linux-64", "2.28", "x86_64-manylinux_2_28"),
        ("linux-64", "2.30", "x86_64-manylinux_2_28"),
        ("linux-64", "2.99", "x86_64-manylinux_2_40"),
        ("linux-64", None, "x86_64-manylinux_2_17"),
        ("linux-aarch64", "2.17", "aarch64-manylinux_2_17"),
        ("osx-arm64", None, "aarch64-apple-darwin"),
        ("osx-64", None, "x86_64-apple-darwin"),
        ("win-64", None, "x86_64-pc-windows-msvc"),
        ("linux-ppc64le", "2.28", None),
    ],
)
def test_platform_is_named_as_uv_names_it(platform: str, glibc: str | None, name: str | None) -> None:
    assert uv_platform(platform, glibc) == name


def test_best_wheel_is_the_most_specific_that_fits() -> None:
    tags = wheel_tags("linux-64", "3.11.7", "2.28", None)
    wheels = [
        "a-1-py3-none-any.whl",
        "a-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "a-1-cp311-cp311-manylinux_2_34_x86_64.whl",
        "a-1-cp312-cp312-manylinux_2_17_x86_64.whl",
    ]
    assert best_wheel(wheels, tags) == wheels[1]
    assert best_wheel(wheels[2:], tags) is None


@pytest.mark.parametrize(
    ("platform", "wheel"),
    [
        ("osx-arm64", "a-1-cp311-cp311-macosx_11_0_arm64.whl"),
        ("osx-arm64", "a-1-cp38-abi3-macosx_10_9_universal2.whl"),
        ("osx-64", "a-1-cp311-cp311-macosx_10_9_x86_64.whl"),
        ("win-64", "a-1-cp311-cp311-win_amd64.whl"),
        ("linux-aarch64", "a-1-cp311-cp311-manylinux2014_aarch64.whl"),
        ("linux-64", "a-1-cp39-abi3-manylinux1_x86_64.whl"),
    ],
)
def test_wheel_fits_the_platform_it_names(platform: str, wheel: str) -> None:
    assert best_wheel([wheel], wheel_tags(platform, "3.11.7", "2.28", "11.0")) == wheel


def test_wheel_does_not_fit_when_it_needs_a_newer_system() -> None:
    assert best_wheel(["a-1-cp311-cp311-macosx_14_0_arm64.whl"], wheel_tags("osx-arm64", "3.11", None, "11.0")) is None
