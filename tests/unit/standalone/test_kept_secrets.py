"""Secrets that a single process makes for itself, and keeps beside its data."""

import stat
from pathlib import Path

from traitlets.config import Config

from conda_store_artifacts.adapters.ed25519_signer import Ed25519Signer
from conda_store_standalone.main import complete_standalone


def completed(directory: Path, **options: str) -> Config:
    config = Config({"CondaStore": {"store_directory": str(directory / "state"), **options}})
    complete_standalone(config)
    return config


def test_secrets_are_made_once_and_are_for_their_owner_alone(tmp_path: Path) -> None:
    first, again = completed(tmp_path), completed(tmp_path)
    assert first.AuthenticationBackend.secret == again.AuthenticationBackend.secret
    assert first.CondaStore.signing_key == again.CondaStore.signing_key
    assert len(Ed25519Signer(first.CondaStore.signing_key).key_id) == 64
    for name in ("secret", "signing-key.pem"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_key_of_the_options_is_the_one_that_signs(tmp_path: Path) -> None:
    own = completed(tmp_path / "other").CondaStore.signing_key
    assert completed(tmp_path, signing_key=own).CondaStore.signing_key == own
    assert not (tmp_path / "signing-key.pem").exists()
