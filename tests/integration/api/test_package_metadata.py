"""Metadata of packages that no column was made for."""

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from conda_store_api.repositories.packages import record_packages
from conda_store_shared.db.models import CondaPackage, CondaPackageBuild
from tests.unit.api.ledger_builders import Ledger, a_package


async def test_packages_are_recorded_when_their_metadata_fits_no_column(ledger: Ledger) -> None:
    build = await ledger.submit()
    odd: dict[str, Any] = {
        "build": "b" * 70,
        "version": "1." + "0" * 80,
        "build_number": 2**40,
        "license": ["MIT", "BSD"],
        "license_family": "f" * 100,
        "summary": "nul\x00 and \udcff",
        "timestamp": 1.7e12,
    }
    async with ledger.transactions.begin() as transaction:
        await record_packages(transaction.session, build.id, [replace(a_package("odd"), **odd), a_package("even")])
    async with ledger.database.session() as session:
        package = (await session.scalars(select(CondaPackage).where(CondaPackage.name == "odd"))).one()
        packed = (
            await session.scalars(select(CondaPackageBuild).where(CondaPackageBuild.package_id == package.id))
        ).one()
    assert (len(package.version), package.license, package.summary) == (64, "['MIT', 'BSD']", "nul and ?")
    assert (len(packed.build), packed.build_number, packed.timestamp) == (64, 2**31 - 1, 1_700_000_000_000)
