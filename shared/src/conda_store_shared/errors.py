"""Every error the suite raises on purpose, as one tree.

    CondaStoreError
    ├── InvalidInput            what was sent cannot be understood or is not allowed   (HTTP 400)
    │   ├── InvalidName, InvalidSpecification, InvalidLockfile, InvalidSetting, ChannelNotAllowed,
    │   │   RequiredPackagesMissing, StorageExhausted, HookRefused, WebhookAddressRefused …
    │   └── TooLarge                                                                   (HTTP 413)
    ├── NotAuthenticated        the credential presented at login is wrong             (HTTP 403)
    │   ├── LoginRefused            whoever vouches for people did not vouch for this one
    │   └── LoginNotBegun           a login ends in a browser that did not begin it    (HTTP 401)
    ├── NotAuthorized           known or anonymous, but not allowed                    (HTTP 403)
    ├── NotFound                there is no such thing                                 (HTTP 404)
    ├── Conflict                it is there already, or not in the state needed        (HTTP 409)
    ├── Unavailable             database, broker or object store cannot be reached     (HTTP 503; a message is kept)
    │   ├── BusUnavailable
    │   │   └── QueueMissing        nobody has made the queue yet
    │   └── DatabaseUnavailable, StorageUnavailable, ProviderUnavailable
    ├── HookFailed              a function of the deployment's administrator is broken (HTTP 500)
    ├── TookTooLong             there was no answer in the time there was for it       (HTTP 504)
    ├── UndecodableMessage      a message nobody can read                              (rejected to the dead queue)
    ├── StageFailure            a stage ended without its product, with the cause      (`stage.failed`)
    └── ConfigurationError      the process cannot start as configured                 (exit status 1)

HTTP codes are given in ``web/errors.py`` and broker answers in ``bus/consumer.py``, nowhere else.
"""

from typing import ClassVar


class CondaStoreError(Exception):
    """Root of the tree.  ``code`` is stable and machine readable; the message is for a person."""

    code: ClassVar[str] = "error"

    @property
    def message(self) -> str:
        """The text a person reads: what was wrong, which one, what to do."""
        return str(self)


class InvalidInput(CondaStoreError):
    """Raised when input from outside cannot be understood or is not allowed."""

    code = "invalid_input"


class InvalidName(InvalidInput):
    """Raised when a namespace or environment name has characters or a length that are not allowed."""

    code = "invalid_name"


class InvalidSpecification(InvalidInput):
    """Raised when a specification is no YAML, or not an environment specification."""

    code = "invalid_specification"


class InvalidLockfile(InvalidInput):
    """Raised when a lockfile is not a conda-lock version 1 lockfile."""

    code = "invalid_lockfile"


class ChannelNotAllowed(InvalidInput):
    """Raised when a channel is not on the allow-list."""

    code = "channel_not_allowed"


class InvalidSetting(InvalidInput):
    """Raised when a setting is not known, does not fit its type, or cannot be set at that level."""

    code = "invalid_setting"


class RequiredPackagesMissing(InvalidInput):
    """Raised when a specification lacks packages that the settings demand."""

    code = "required_packages_missing"


class StorageExhausted(InvalidInput):
    """Raised when less than the settings demand is free on the disk of the prefixes."""

    code = "storage_exhausted"


class HookRefused(InvalidInput):
    """Raised when a hook of the deployment refuses what was asked for; the message is the hook's."""

    code = "hook_refused"


class WebhookAddressRefused(InvalidInput):
    """Raised when nothing may be sent to an address, or it cannot be read."""

    code = "webhook_address_refused"


class InvalidChannelIndex(InvalidInput):
    """Raised when an object is no list of a channel's packages, or was cut or changed on its way."""

    code = "invalid_channel_index"


class NoSolution(InvalidInput):
    """Raised when no set of packages satisfies a specification; the message is the solver's explanation."""

    code = "no_solution"


class TooLarge(InvalidInput):
    """Raised when input is larger than the stated limit."""

    code = "too_large"


class NotAuthenticated(CondaStoreError):
    """Raised when the credential presented at login is wrong."""

    code = "not_authenticated"


class LoginRefused(NotAuthenticated):
    """Raised when the identity provider does not say who somebody is; ``reason`` is what it said instead."""

    code = "login_refused"

    def __init__(self, reason: str) -> None:
        super().__init__("Invalid authentication credentials")
        self.reason = reason


class LoginNotBegun(NotAuthenticated):
    """Raised when a login comes to its end in a browser that did not begin it, or ended it already."""

    code = "login_not_begun"

    def __init__(self) -> None:
        super().__init__("OAuth states do not match")


class NotAuthorized(CondaStoreError):
    """Raised when the caller lacks a permission."""

    code = "not_authorized"


class NotFound(CondaStoreError):
    """Raised when there is no such namespace, environment, build or object."""

    code = "not_found"


class Conflict(CondaStoreError):
    """Raised when something is there already, or is not in the state the action needs."""

    code = "conflict"


class Unavailable(CondaStoreError):
    """Raised when a part the service stands on cannot be reached; nobody's input is at fault."""

    code = "unavailable"


class HookFailed(CondaStoreError):
    """Raised when a hook of the deployment fails, or returns what it must not; the log has the reason."""

    code = "hook_failed"


class TookTooLong(CondaStoreError):
    """Raised when an answer was not found in the time there was for it."""

    code = "took_too_long"


class BusUnavailable(Unavailable):
    """Raised when the broker does not answer, or does not confirm a message, in time."""

    code = "bus_unavailable"


class QueueMissing(BusUnavailable):
    """Raised when the queue of a message is not there: its consumer has never started, and makes it when it does."""

    code = "queue_missing"


class DatabaseUnavailable(Unavailable):
    """Raised when the database does not answer in time."""

    code = "database_unavailable"


class StorageUnavailable(Unavailable):
    """Raised when the object store does not answer in time."""

    code = "storage_unavailable"


class ProviderUnavailable(Unavailable):
    """Raised when the identity provider does not answer in time."""

    code = "provider_unavailable"


class UndecodableMessage(CondaStoreError):
    """Raised when a message is not one of the contracts, or its body does not fit."""

    code = "undecodable_message"


class ConfigurationError(CondaStoreError):
    """Raised at start when the process cannot run as configured."""

    code = "configuration_error"


class StageFailure(CondaStoreError):
    """Raised when a stage ends without its product.

    ``cause`` is one of the codes of ``domain.stage.FailureCode`` (``unsatisfiable``, ``timeout``, …); ``detail``
    is shown to the user unshortened; ``transient`` tells whether trying again may help.
    """

    code = "stage_failure"

    def __init__(self, cause: str, detail: str, *, transient: bool = False) -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail
        self.transient = transient
