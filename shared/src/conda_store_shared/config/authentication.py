"""Options of authentication and authorisation, under the names existing configuration files use."""

from typing import Any

from traitlets import Bool, Dict, Int, TraitError, Type, Unicode, default, validate
from traitlets.config import Configurable

_VIEWER = ("environment::read", "namespace::read", "namespace-role-mapping::read")
_EDITOR = (
    *_VIEWER,
    "environment:create",
    "environment::update",
    "environment::solve",
    "build::cancel",
    "setting::read",
)
_ADMIN = (
    *_EDITOR,
    "environment::delete",
    "build::delete",
    "namespace::create",
    "namespace::update",
    "namespace::delete",
    "namespace-role-mapping::create",
    "namespace-role-mapping::update",
    "namespace-role-mapping::delete",
    "setting::update",
)


class AuthenticationBackend(Configurable):
    """How tokens are signed, and which tokens exist without having been issued."""

    secret = Unicode(
        "",
        help="Symmetric key that signs tokens and sessions: at least 32 bytes, the same for every service. "
        "When empty, a single process makes one and keeps it in its data directory; several processes refuse to start.",
    ).tag(config=True, secret=True)
    jwt_algorithm = Unicode("HS256", help="Algorithm that signs tokens: HS256, HS384 or HS512.").tag(config=True)
    predefined_tokens = Dict(
        help="Service accounts: token -> {'exp', 'primary_namespace', 'role_bindings'}, each of which may be left out.",
    ).tag(config=True, secret=True)


class RBACAuthorizationBackend(Configurable):
    """Which roles there are, and who holds them without being granted any."""

    role_mappings_version = Int(
        1, help="Table of role mappings that counts: 1 (per namespace, any target) or 2 (between namespaces)."
    ).tag(config=True)
    role_mappings = Dict(help="Permissions of each role: viewer, editor (or developer), admin.").tag(config=True)
    unauthenticated_role_bindings = Dict(help="Roles by '<namespace>/<environment>' of whoever is not logged in.").tag(
        config=True
    )
    authenticated_role_bindings = Dict(help="Roles by '<namespace>/<environment>' of everybody logged in.").tag(
        config=True
    )

    anonymous_solve = Bool(
        False, help="Whether anybody may have a specification solved; else it takes `environment::solve` somewhere."
    ).tag(config=True)

    @default("role_mappings")
    def _usual_role_mappings(self) -> dict[str, set[str]]:
        return {"viewer": set(_VIEWER), "editor": set(_EDITOR), "admin": set(_ADMIN)}

    @default("unauthenticated_role_bindings")
    def _usual_unauthenticated_role_bindings(self) -> dict[str, set[str]]:
        return {"default/*": {"viewer"}}

    @default("authenticated_role_bindings")
    def _usual_authenticated_role_bindings(self) -> dict[str, set[str]]:
        return {"default/*": {"viewer"}, "filesystem/*": {"viewer"}}

    @validate("role_mappings_version")
    def _known_version(self, proposal: Any) -> int:
        version: int = proposal["value"]
        if version not in (1, 2):
            raise TraitError(
                "c.RBACAuthorizationBackend.role_mappings_version: "
                f"invalid role mappings version: {version}, expected: (1, 2)"
            )
        return version


class Authentication(Configurable):
    """How people log in, whoever vouches for them."""

    cookie_name = Unicode("conda-store-auth", help="Name of the cookie that holds the token.").tag(config=True)
    cookie_domain = Unicode(
        None, allow_none=True, help="Domain of that cookie, for use by subdomains; the server's own when None."
    ).tag(config=True)
    authentication_backend = Type(
        AuthenticationBackend, klass=AuthenticationBackend, help="Class whose options say how tokens are signed."
    ).tag(config=True)
    authorization_backend = Type(
        RBACAuthorizationBackend, klass=RBACAuthorizationBackend, help="Class whose options say who holds which role."
    ).tag(config=True)
    login_html = Unicode(
        "", help="Jinja template for the body of the login page; {{ url_for('post_login_method') }} is where it posts."
    ).tag(config=True)


class DummyAuthentication(Authentication):
    """Anybody may log in under any name with one password.  For testing: everyone becomes administrator."""

    password = Unicode(
        "password", help="The password of everybody.  When empty any password will do, and only loopback is served."
    ).tag(config=True, secret=True)
