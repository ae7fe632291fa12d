"""The options by which every service with routes tells who calls, and what they may do."""

from typing import Any

from traitlets.config import Config

from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.server import CondaStoreServer


def authorization_values(config: Config) -> dict[str, Any]:
    """Return them as keyword arguments of ``web.authentication.AuthorizationOptions``."""
    server = CondaStoreServer(config=config)
    section = server.authentication_class(config=config)
    tokens = section.authentication_backend(config=config)
    rights = section.authorization_backend(config=config)
    return {
        "secret": tokens.secret,
        "jwt_algorithm": tokens.jwt_algorithm,
        "predefined_tokens": tokens.predefined_tokens,
        "cookie_name": section.cookie_name,
        "default_namespace": CondaStore(config=config).default_namespace,
        "role_mappings": rights.role_mappings,
        "role_mappings_version": rights.role_mappings_version,
        "unauthenticated_role_bindings": rights.unauthenticated_role_bindings,
        "authenticated_role_bindings": rights.authenticated_role_bindings,
        "trusted_origins": tuple(server.cors_allow_origins),
        "trusted_origin_pattern": server.cors_allow_origin_regex,
    }
