"""Rows as the objects clients know (contract §2.3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from conda_store_api.repositories.package_search import FoundPackage
from conda_store_shared.db.models import (
    BuildStage,
    CondaChannel,
    CondaPackage,
    CondaPackageBuild,
    Environment,
    Namespace,
    NamespaceRoleMapping,
    NamespaceRoleMappingV2,
)
from conda_store_shared.db.reading import Row


def moment(value: datetime | None) -> str | None:
    """A moment as upstream writes it: UTC without a zone."""
    return None if value is None else value.isoformat()


def namespace_shape(namespace: Namespace, role_mappings: Sequence[NamespaceRoleMapping] = ()) -> dict[str, Any]:
    """A Namespace; ``metadata_`` really ends in an underscore."""
    mappings = [{"id": row.id, "entity": row.entity, "role": row.role} for row in role_mappings]
    return {
        "id": namespace.id,
        "name": namespace.name,
        "metadata_": namespace.metadata_ or {},
        "role_mappings": mappings,
    }


def namespace_shapes(rows: Sequence[Row]) -> dict[int, dict[str, Any]]:
    """Namespaces by id, of rows that repeat one for each of its role mappings."""
    shapes: dict[int, dict[str, Any]] = {}
    for namespace_id, name, metadata, mapping_id, entity, role in rows:
        fresh = {"id": namespace_id, "name": name, "metadata_": metadata or {}, "role_mappings": []}
        shape = shapes.setdefault(namespace_id, fresh)
        if mapping_id is not None:
            shape["role_mappings"].append({"id": mapping_id, "entity": entity, "role": role})
    return shapes


def granted_role_shape(row: NamespaceRoleMappingV2, namespace: str, other_namespace: str) -> dict[str, Any]:
    """A RoleMappingV2, with names in place of ids."""
    return {"id": row.id, "namespace": namespace, "other_namespace": other_namespace, "role": row.role}


def environment_shape(environment: Environment, namespace: dict[str, Any]) -> dict[str, Any]:
    """An Environment inside the shape of its namespace; ``current_build`` is always null in version 1."""
    return {
        "id": environment.id,
        "namespace": namespace,
        "name": environment.name,
        "current_build_id": environment.current_build_id,
        "current_build": None,
        "description": environment.description,
    }


def environment_shapes(rows: Sequence[Row], namespaces: Mapping[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Environments of a list; those whose namespace went while it was read are gone with it."""
    return [
        {
            "id": environment_id,
            "namespace": namespaces[namespace_id],
            "name": name,
            "current_build_id": current_build_id,
            "current_build": None,
            "description": description,
        }
        for environment_id, namespace_id, name, current_build_id, description, *_ in rows
        if namespace_id in namespaces
    ]


def without_current_build(environment: dict[str, Any]) -> dict[str, Any]:
    """An Environment as version 2 lists it."""
    return {key: value for key, value in environment.items() if key != "current_build"}


def specification_shape(row: Row) -> dict[str, Any]:
    """A Specification."""
    specification_id, name, spec, sha256, created_on = row
    return {"id": specification_id, "name": name, "spec": spec, "sha256": sha256, "created_on": moment(created_on)}


def artifact_shapes(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """BuildArtifacts."""
    return [{"id": artifact_id, "artifact_type": kind, "key": key} for artifact_id, kind, key in rows]


def build_shape(build: Row, specification: Row, artifacts: Sequence[Row]) -> dict[str, Any]:
    """A Build with what lists leave out."""
    inside = {"specification": specification_shape(specification), "build_artifacts": artifact_shapes(artifacts)}
    return {**build_shapes([build])[0], **inside}


def build_shapes(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Builds of a list."""
    return [
        {
            "id": build_id,
            "environment_id": environment_id,
            "specification": None,
            "packages": None,
            "status": status,
            "status_info": status_info,
            "size": size,
            "scheduled_on": moment(scheduled_on),
            "started_on": moment(started_on),
            "ended_on": moment(ended_on),
            "build_artifacts": None,
        }
        for build_id, environment_id, status, status_info, size, scheduled_on, started_on, ended_on, *_ in rows
    ]


def stage_shape(stage: BuildStage, attempts: int) -> dict[str, Any]:
    """A stage of a build: ``done`` of ``total`` in ``unit``; code and detail say why it failed."""
    return {
        "stage": stage.stage,
        "state": stage.state,
        "done": stage.done,
        "total": stage.total,
        "unit": stage.unit,
        "code": stage.code,
        "detail": stage.detail,
        "attempts": attempts,
    }


def channel_shape(channel_id: int, name: str, last_update: datetime | None = None) -> dict[str, Any]:
    """A CondaChannel; lists of packages leave out when it was updated."""
    return {"id": channel_id, "name": name, "last_update": moment(last_update)}


def package_shape(package: CondaPackage, channel: CondaChannel) -> dict[str, Any]:
    """A CondaPackage."""
    return {
        "id": package.id,
        "channel": channel_shape(channel.id, channel.name),
        "license": package.license,
        "name": package.name,
        "summary": package.summary,
        "version": package.version,
    }


def found_package_shape(found: FoundPackage) -> dict[str, Any]:
    """A CondaPackage that was searched for."""
    return {
        "id": found.id,
        "channel": channel_shape(found.channel_id, found.channel),
        "license": found.license,
        "name": found.name,
        "summary": found.summary,
        "version": found.version,
    }


def package_build_shape(build: CondaPackageBuild, package: CondaPackage, channel: CondaChannel) -> dict[str, Any]:
    """A CondaPackageBuild, and what upstream leaves out: what it is called; an unknown ``size`` is -1."""
    return {
        "name": package.name,
        "version": package.version,
        "channel": channel_shape(channel.id, channel.name),
        "id": build.id,
        "package_id": build.package_id,
        "channel_id": build.channel_id,
        "build": build.build,
        "build_number": build.build_number,
        "constrains": build.constrains,
        "depends": build.depends,
        "md5": build.md5,
        "sha256": build.sha256,
        "size": build.size,
        "subdir": build.subdir,
        "timestamp": build.timestamp,
    }
