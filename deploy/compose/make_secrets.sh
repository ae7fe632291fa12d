#!/bin/sh
# Makes the secrets of docker-compose.yaml: what is there already is kept.  They lie in deploy/compose/secrets, a directory
# for its owner alone; each container sees those that it needs.  docs/how-to/deploy.md tells how to replace one.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets

# random BYTES: so many random bytes, in hex.
random() {
    od -An -tx1 -N "$1" /dev/urandom | tr -d ' \n'
}

# put NAME: what is on standard input becomes the secret.  Containers run as users of their own, and may read the file;
# nobody else reaches the directory.
put() {
    cat > "secrets/$1.new"
    chmod 444 "secrets/$1.new"
    mv "secrets/$1.new" "secrets/$1"
}

# keep NAME: the same, unless it is there.
keep() {
    [ -e "secrets/$1" ] || put "$1"
}

random 32 | keep token_secret
random 12 | keep login_password
printf 'AKIA%s' "$(random 8 | tr a-f A-F)" | keep s3_access_key
random 20 | keep s3_secret_key

# Signs the provenance of builds.  Without openssl nothing is signed.
if command -v openssl > /dev/null; then
    openssl genpkey -algorithm ed25519 2> /dev/null | keep signing_key
else
    echo "make_secrets.sh: there is no openssl to make a signing key: the provenance of builds will not be signed" >&2
    keep signing_key < /dev/null
fi

# The administrator of the database server, the owner of the tables, and a login for each service.
random 24 | keep postgres_admin
printf 'postgresql://postgres:%s@postgres/postgres' "$(cat secrets/postgres_admin)" | put database_url_admin
for login in owner api auth artifacts; do
    random 24 | keep "postgres_$login"
    printf 'postgresql://conda_store_%s_login:%s@postgres/conda_store' "$login" "$(cat "secrets/postgres_$login")" |
        put "database_url_$login"
done

# A user of the broker for each service, one for people, and those for programs that watch or take public events.
for user in api auth solver builder artifacts operator watcher events; do
    random 24 | keep "rabbitmq_$user"
    printf 'amqp://%s:%s@rabbitmq/conda-store' "$user" "$(cat "secrets/rabbitmq_$user")" | put "bus_url_$user"
done
../rabbitmq/make_definitions.sh secrets > secrets/definitions
put rabbitmq_definitions < secrets/definitions
rm secrets/definitions

echo "the secrets are in $PWD/secrets; the password for logging in is in login_password"
