# The one configuration of all services of docker-compose.yaml.  docs/reference/settings.md lists what else may be set.
# After a change: docker compose restart api auth solver builder artifacts
import os
from pathlib import Path

# Each container has only those secrets that it needs.
for option, name in {
    "CondaStore.database_url_file": "database_url",
    "CondaStore.signing_key_file": "signing_key",
    "Bus.url_file": "bus_url",
    "AuthenticationBackend.secret_file": "token_secret",
    "DummyAuthentication.password_file": "login_password",
    "S3Storage.access_key_file": "s3_access_key",
    "S3Storage.secret_key_file": "s3_secret_key",
}.items():
    if Path("/run/secrets", name).exists():
        section, _, option = option.partition(".")
        c[section][option] = f"/run/secrets/{name}"

# --- Logging in.  Unless a provider is named here, whoever knows the one password is administrator under any name, for
# trying things out: docs/how-to/log-in-at-a-provider.md

# --- The address people use.  The gateway tells the services how it was reached.
c.CondaStoreServer.behind_proxy = True
c.CondaStoreServer.registry_external_url = (
    os.environ.get("CONDA_STORE_PUBLIC") or f"localhost:{os.environ.get('CONDA_STORE_PORT', 8080)}"
)

# --- Channels.  An empty list of allowed ones permits all.
c.CondaStore.conda_default_channels = ["conda-forge"]
c.CondaStore.conda_allowed_channels = []
# Those whose packages can be searched for.
c.CondaStore.conda_indexed_channels = ["conda-forge"]

# --- What is made of each build.  With CONTAINER_REGISTRY it is pushed elsewhere; images are pulled without it.
c.CondaStore.build_artifacts = ["LOCKFILE", "YAML", "CONDA_PACK", "DOCKER_MANIFEST"]

# --- How much at once.  Each solver, builder and artifacts works on so many requests; memory is bytes for each, and
# mem_limit of docker-compose.yaml must have room for all of them.
c.CondaStoreWorker.concurrency = 2
c.CondaStoreWorker.solve_memory = 2 * 1024**3
c.CondaStoreWorker.install_memory = 2 * 1024**3
# Builds that run at once in all: twice the concurrency of all builders together, here of three.
c.Ledger.capacity = 12

# --- Where things are.  The schema is the business of the job `migrate`.
c.CondaStore.upgrade_db = False
c.CondaStore.store_directory = "/var/lib/conda-store/state"
c.CondaStoreWorker.cache_directory = "/var/lib/conda-store/cache"
c.S3Storage.internal_endpoint = "s3:9000"
c.S3Storage.internal_secure = False
c.S3Storage.bucket_name = "conda-store"
# Nobody outside reaches that store: artifacts streams what is downloaded.
c.S3Storage.redirect_downloads = False
