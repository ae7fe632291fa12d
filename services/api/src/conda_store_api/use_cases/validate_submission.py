"""Asks the hooks of the deployment about a submission, before anything is stored (contract §4.1, §4.6)."""

from conda_store_api.ports import Hooks
from conda_store_api.use_cases.resolve_order import Submission
from conda_store_shared.domain.names import namespace_name
from conda_store_shared.domain.permission import Permission


async def validate_submission(submission: Submission, namespace: str, hooks: Hooks) -> Submission:
    """Return what is to be built of a submission; a lockfile is built as it is.

    Raises HookRefused, HookFailed, TookTooLong, and InvalidName before that.
    """
    namespace_name(namespace)
    await hooks.validate_action(namespace, Permission.ENVIRONMENT_CREATE)
    if submission.specification is not None:
        submission = Submission.of(await hooks.validate_specification(namespace, submission.specification))
    await hooks.validate_action(namespace, Permission.ENVIRONMENT_UPDATE)
    return submission
