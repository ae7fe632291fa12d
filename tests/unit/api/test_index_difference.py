"""What a new list changes: applied to the rows, they are as the list has them."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from conda_store_api.domain.index_difference import Difference, StoredBuild, StoredPackage, difference
from conda_store_shared.domain.channel_index import IndexedBuild, IndexedPackage

BUILDS = st.builds(
    IndexedBuild,
    build=st.sampled_from("ab"),
    build_number=st.integers(0, 1),
    md5=st.just("m"),
    sha256=st.sampled_from(["x", "y"]),
    size=st.integers(0, 1),
    timestamp=st.none(),
)
TEXT = st.sampled_from([None, "MIT", "BSD"])
PACKAGES = st.builds(
    IndexedPackage,
    name=st.sampled_from("pq"),
    version=st.sampled_from("12"),
    license=TEXT,
    license_family=TEXT,
    summary=TEXT,
    builds=st.lists(BUILDS, min_size=1, max_size=3, unique_by=lambda one: (one.build, one.build_number)).map(tuple),
)
LISTS = st.lists(PACKAGES, max_size=4, unique_by=lambda package: (package.name, package.version))


class Rows:
    """Rows in memory, changed as a difference tells."""

    def __init__(self) -> None:
        self.packages: dict[int, StoredPackage] = {}
        self.builds: dict[int, StoredBuild] = {}
        self._last = 0

    def compare(self, listed: list[IndexedPackage]) -> Difference:
        return difference(list(self.packages.values()), list(self.builds.values()), listed)

    def apply(self, change: Difference) -> None:
        for new in change.new_packages:
            self._last += 1
            self.packages[self._last] = StoredPackage(
                id=self._last,
                name=new.name,
                version=new.version,
                license=new.license,
                license_family=new.license_family,
                summary=new.summary,
                vanished=False,
            )
        self.packages |= {package.id: package for package in change.changed_packages}
        ids = {(package.name, package.version): package.id for package in self.packages.values()}
        for build in change.new_builds:
            self._last += 1
            package_id = ids[build.name, build.version]
            self.builds[self._last] = StoredBuild(
                id=self._last, package_id=package_id, build=build.build, vanished=False
            )
        self.builds |= {build.id: build for build in change.changed_builds}
        self.builds |= {build.id: dataclasses.replace(build, vanished=True) for build in change.gone_builds}

    def shown(self) -> dict[tuple[str, str], set[IndexedBuild]]:
        found: dict[tuple[str, str], set[IndexedBuild]] = {}
        for build in self.builds.values():
            package = self.packages[build.package_id]
            if not build.vanished:
                found.setdefault((package.name, package.version), set()).add(build.build)
        return found


def wanted(listed: list[IndexedPackage]) -> dict[tuple[str, str], set[IndexedBuild]]:
    return {(package.name, package.version): set(package.builds) for package in listed}


@given(st.lists(LISTS, min_size=1, max_size=4))
def test_rows_are_as_the_newest_list_has_them_whatever_came_before(lists: list[list[IndexedPackage]]) -> None:
    rows = Rows()
    for listed in lists:
        rows.apply(rows.compare(listed))
        assert rows.shown() == wanted(listed)
        again = rows.compare(listed)
        assert not any((again.new_packages, again.changed_packages, again.new_builds, again.changed_builds))
        assert not again.gone_builds


@given(PACKAGES)
def test_what_a_build_told_stays_when_the_list_does_not_know(package: IndexedPackage) -> None:
    rows = Rows()
    rows.apply(rows.compare([dataclasses.replace(package, license="GPL", license_family="GPL", summary="Told")]))
    rows.apply(rows.compare([package]))
    (row,) = rows.packages.values()
    expected = (package.license or "GPL", package.license_family or "GPL", package.summary or "Told")
    assert (row.license, row.license_family, row.summary) == expected
