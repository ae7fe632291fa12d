# The one configuration of all services.  docs/reference/settings.md lists what else may be set; where things are stands
# in addresses.env.  After a change: kubectl apply -k, which replaces the pods.
import os
from pathlib import Path

# Each pod has only those secrets that it needs.
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

# --- Logging in.  Unless a provider is named here, whoever knows the one password is administrator under any name,
# which is for trying things out: docs/how-to/log-in-at-a-provider.md

# --- The address people use.  The gateway tells the services how it was reached.
c.CondaStoreServer.behind_proxy = True
c.CondaStoreServer.registry_external_url = os.environ["PUBLIC_HOST"]

# --- Channels.  An empty list of allowed ones permits all.
c.CondaStore.conda_default_channels = ["conda-forge"]
c.CondaStore.conda_allowed_channels = []
# Those whose packages can be searched for.
c.CondaStore.conda_indexed_channels = ["conda-forge"]

# --- What is made of each build.  With CONTAINER_REGISTRY it is pushed elsewhere; images are pulled without it.
c.CondaStore.build_artifacts = ["LOCKFILE", "YAML", "CONDA_PACK", "DOCKER_MANIFEST"]

# --- How much at once.  Each solver, builder and artifacts works on so many requests; memory is bytes for each, and the
# limits of the pods must have room for all of them.
c.CondaStoreWorker.concurrency = 2
c.CondaStoreWorker.solve_memory = 2 * 1024**3
c.CondaStoreWorker.install_memory = 2 * 1024**3
# Builds that run at once in all: at least what the most builders can do.  A build that waits in the ledger waits in no
# queue, and starts no pod.
c.Ledger.capacity = 64

# --- Where things are.  The schema is the business of the job `migrate`.
c.CondaStore.upgrade_db = False
c.CondaStore.store_directory = "/var/lib/conda-store/state"
c.CondaStoreWorker.cache_directory = "/var/lib/conda-store/cache"
c.S3Storage.internal_endpoint = os.environ["S3_ENDPOINT"]
c.S3Storage.internal_secure = os.environ["S3_SECURE"] == "true"
c.S3Storage.region = os.environ["S3_REGION"]
c.S3Storage.bucket_name = os.environ["S3_BUCKET"]
# Whether users reach the bucket at the same address, and download from there; else artifacts streams it to them.
c.S3Storage.external_secure = c.S3Storage.internal_secure
c.S3Storage.redirect_downloads = os.environ["S3_PUBLIC"] == "true"
