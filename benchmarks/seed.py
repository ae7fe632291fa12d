"""Fills a Postgres database as years of use would: straight by SQL, for nobody could submit a million builds."""

import asyncio
from dataclasses import dataclass

import asyncpg
from sqlalchemy import make_url

# Installed in every current build.
POPULAR = "python"
# Minutes, with room for a slow disk.
_TIMEOUT = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is; ten builds an environment, a hundred environments a namespace, eight versions a package."""

    environments: int
    builds: int
    packages: int = 200_000

    @property
    def namespaces(self) -> int:
        """Namespaces there are; the first are the largest."""
        return max(10, self.environments // 100)

    def __str__(self) -> str:
        return f"{_short(self.environments)} environments, {_short(self.builds)} builds"


SMALL = Size(environments=1_000, builds=10_000)
LARGE = Size(environments=100_000, builds=1_000_000)

_NAMESPACES = """
INSERT INTO namespace (name, metadata_) SELECT 'team-' || to_char(n, 'FM0000'), '{}' FROM generate_series(1, $1) n
"""
_ROLE_MAPPINGS = """
INSERT INTO namespace_role_mapping (namespace_id, entity, role)
SELECT id, name || '/*', role FROM namespace, unnest(ARRAY['admin', 'viewer']) role
"""
_SPECIFICATIONS = """
INSERT INTO specification (name, spec, sha256, created_on, is_lockfile)
SELECT
    (ARRAY['analysis', 'forecast', 'notebook', 'service', 'training'])[1 + e % 5] || '-' || e,
    jsonb_build_object('name', 'x', 'channels', '["conda-forge"]'::jsonb, 'dependencies',
        '["python=3.12", "numpy", "pandas", "scikit-learn", {"pip": ["requests"]}]'::jsonb),
    encode(sha256(e::text::bytea), 'hex'), timestamp '2024-01-01' + e * interval '1 minute', false
FROM generate_series(1, $1) e
"""
# The square makes some namespaces much larger than others.
_ENVIRONMENTS = """
INSERT INTO environment (namespace_id, name, description)
SELECT 1 + floor(power((id * 0.6180339887) % 1, 2) * $1)::int, name, 'What ' || name || ' needs'
FROM specification ORDER BY id
"""
_BUILDS = """
INSERT INTO build (specification_id, environment_id, status, status_info, size, scheduled_on, started_on, ended_on,
    build_key_version, build_key, rank, scheduled, "order", order_digest, released_on, log_bytes, logs_stored_on)
SELECT
    e, e, status, CASE status WHEN 'FAILED' THEN 'unsatisfiable: numpy >=99 does not exist' END,
    CASE status WHEN 'COMPLETED' THEN 1000000000 + b ELSE 0 END, moment, moment + interval '2 seconds',
    CASE status WHEN 'BUILDING' THEN NULL ELSE moment + interval '40 seconds' END,
    2, left(digest, 8) || '-' || b || '-environment', CASE status WHEN 'COMPLETED' THEN 4 ELSE 1 END, false,
    jsonb_build_object('build_id', b, 'solve', repeat('channel and specification; ', 20)), digest,
    moment, 1000, moment
FROM (
    SELECT b, 1 + (b - 1) % $2 AS e, timestamp '2024-01-01' + b * interval '1 minute' AS moment,
        encode(sha256(b::text::bytea), 'hex') AS digest,
        CASE WHEN b % 1000 = 999 THEN 'BUILDING' WHEN b % 100 = 50 THEN 'CANCELED'
            WHEN (b * 7919) % 100 < 10 THEN 'FAILED' ELSE 'COMPLETED' END AS status
    FROM generate_series(1, $1::bigint) b
) numbered
"""
_CURRENT_BUILDS = """
UPDATE environment SET current_build_id = newest.id, generation = 1, linked_generation = 1, told_generation = 1
FROM (SELECT environment_id, max(id) AS id FROM build WHERE status = 'COMPLETED' GROUP BY environment_id) newest
WHERE newest.environment_id = environment.id
"""
_ARTIFACTS = """
INSERT INTO build_artifact (build_id, artifact_type, key, size)
SELECT build.id, type, lower(type) || '/' || build_key, 10000
FROM build LEFT JOIN environment ON current_build_id = build.id,
    unnest(ARRAY['LOGS', 'LOCKFILE', 'CONDA_PACK', 'CONSTRUCTOR_INSTALLER']) type
WHERE type = 'LOGS' OR status = 'COMPLETED' AND (
    type = 'LOCKFILE' OR current_build_id IS NOT NULL AND (type = 'CONDA_PACK' OR build.id % 500 = 0))
"""
_CHANNELS = "INSERT INTO conda_channel (name) VALUES ('https://conda.anaconda.org/conda-forge'), ('https://x/bioconda')"
_PACKAGES = """
INSERT INTO conda_package (channel_id, name, version, license, summary)
SELECT 1 + (p / 8) % 2,
    CASE WHEN p < 8 THEN $2
        ELSE (ARRAY['lib', 'py', 'r-', 'python-'])[1 + (p / 8) % 4] || substr(md5((p / 8)::text), 1, 9) END,
    '1.' || p % 8 || '.0', 'BSD-3-Clause', 'A package that does something useful with numbers and text'
FROM generate_series(0, $1 - 1) p
"""
_PACKAGE_NAMES = """
INSERT INTO conda_package_name (channel_id, name, versions)
SELECT channel_id, name, count(*) FROM conda_package GROUP BY channel_id, name
"""
_PACKAGE_BUILDS = """
INSERT INTO conda_package_build
    (package_id, channel_id, build, build_number, constrains, depends, md5, sha256, size, subdir)
SELECT id, channel_id, 'py312h_0', 0, '[]', '["python >=3.12"]', md5(id::text), encode(sha256(id::text::bytea), 'hex'),
    100000, 'linux-64'
FROM conda_package
"""
# Every current build, and of the others each tenth: the first package, and nineteen or four of all.
_INSTALLED = """
INSERT INTO build_conda_package_build (build_id, conda_package_build_id)
SELECT build.id, p FROM build LEFT JOIN environment ON current_build_id = build.id,
    LATERAL (SELECT 1 AS p UNION SELECT 2 + (build.id::bigint * 7919 + n * 104729) % ($1 - 1)
        FROM generate_series(1, CASE WHEN current_build_id IS NULL THEN 4 ELSE 19 END) n) package
WHERE current_build_id IS NOT NULL OR status = 'COMPLETED' AND build.id % 10 = 0
"""


def seed(url: str, size: Size) -> None:
    """Fill the migrated, empty database at a SQLAlchemy address; needs a superuser."""
    asyncio.run(_seed(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False), size))


async def _seed(url: str, size: Size) -> None:
    connection = await asyncpg.connect(url, timeout=10, command_timeout=_TIMEOUT)
    try:
        # The rows are right by construction: foreign keys are not looked up, nor is each statement flushed.
        await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        await connection.execute(_NAMESPACES, size.namespaces)
        await connection.execute(_ROLE_MAPPINGS)
        await connection.execute(_SPECIFICATIONS, size.environments)
        await connection.execute(_ENVIRONMENTS, size.namespaces)
        await connection.execute(_BUILDS, size.builds, size.environments)
        await connection.execute(_CURRENT_BUILDS)
        await connection.execute(_ARTIFACTS)
        await connection.execute(_CHANNELS)
        await connection.execute(_PACKAGES, size.packages, POPULAR)
        await connection.execute(_PACKAGE_NAMES)
        await connection.execute(_PACKAGE_BUILDS)
        await connection.execute(_INSTALLED, size.packages)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close(timeout=10)


def _short(number: int) -> str:
    return f"{number // 1_000_000} M" if number >= 1_000_000 else f"{number // 1_000} k"
