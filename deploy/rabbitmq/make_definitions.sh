#!/bin/sh
# Prints the definitions that RabbitMQ loads at each start: virtual host, exchanges, users, and what each may do.
#
#     make_definitions.sh DIRECTORY > rabbitmq_definitions.json
#
# DIRECTORY holds a file for each user, rabbitmq_api rabbitmq_auth rabbitmq_solver rabbitmq_builder rabbitmq_artifacts
# rabbitmq_operator rabbitmq_watcher rabbitmq_events, with the password alone in it.  What is printed holds hashes of them.
# Needs sh and coreutils.
#
# A service declares, binds and reads its own queues, which begin with its name, and publishes its own messages to the one
# exchange: which those are is topology.py's business, and a test says when this is not the same.  The operator is for
# people: the management pages, `conda-store-api replay`.  The watcher is for programs that look at the length of queues.
# The user events is for consumers of public events: it makes and reads queues named events.*, binds them to the exchange of
# events, and publishes nothing.  A queue of theirs that nobody reads drops its oldest events before it fills the disk.
set -eu

directory=${1:?the directory with the passwords is missing}

# bytes HEX: the bytes that hexadecimal digits stand for.
bytes() {
    digits=$1
    while [ -n "$digits" ]; do
        rest=${digits#??}
        # Their value goes through octal, which every printf knows.
        printf '%b' "\\0$(printf '%o' "0x${digits%"$rest"}")"
        digits=$rest
    done
}

# hash USER: what RabbitMQ keeps of the password: four random bytes, and SHA-256 of these and the password.
hash() {
    file=$directory/rabbitmq_$1
    if [ ! -s "$file" ]; then
        echo "make_definitions.sh: $file is missing or empty: it must hold the password of $1" >&2
        exit 1
    fi
    salt=$(od -An -tx1 -N 4 /dev/urandom | tr -d ' \n')
    digest=$({ bytes "$salt"; printf '%s' "$(cat "$file")"; } | sha256sum | cut -c 1-64)
    bytes "$salt$digest" | base64 | tr -d '\n'
}

api=$(hash api)
auth=$(hash auth)
solver=$(hash solver)
builder=$(hash builder)
artifacts=$(hash artifacts)
operator=$(hash operator)
watcher=$(hash watcher)
events=$(hash events)
hashing='"hashing_algorithm": "rabbit_password_hashing_sha256"'

# A process has two connections, and a channel for each message that it handles at once.
few='"limits": {"max-connections": 200, "max-channels": 20000}'

# To bind a queue is to write to it and to read the exchange; a queue that says where its dead messages go must be readable,
# and that exchange writable, to whoever declares it.
# api alone makes the exchange of public events, and publishes to it.
may() {
    own="^$1[.].+\$${2:+|^($2)[.]dead\$}"
    public=${2:+"|$public_events"}
    printf '{"user": "%s", "vhost": "conda-store", ' "$1"
    printf '"configure": "%s", "write": "%s", "read": "%s"}' "$own$public" "$own|$exchanges$public" "$own|$exchanges"
}
exchanges='^conda-store([.]dead)?$'
public_events='^conda-store[.]events$'
lost='solver[.]solve[.]requested|builder[.]prefix[.]requested|artifacts[.]artifact[.]requested'

# says USER PUBLISHES TAKES: names of messages, with | between them.
says() {
    printf '{"user": "%s", "vhost": "conda-store", "exchange": "conda-store", ' "$1"
    printf '"write": "^(%s)$", "read": "^(%s)$"}' "$(keys "$2")" "$(keys "$3")"
}

# keys NAMES: the regular expression for names with a dot in each, and spaces between them.
keys() {
    echo "$1" | tr -s ' \n' '  ' | sed 's/^ *//; s/ *$//; s/[.]/[.]/g; s/ /|/g'
}

attempt='stage.started stage.progress stage.interrupted stage.failed log.written'

cat <<END
{
  "vhosts": [{"name": "conda-store"}],
  "users": [
    {"name": "api", "password_hash": "$api", $hashing, "tags": [], $few},
    {"name": "auth", "password_hash": "$auth", $hashing, "tags": [], $few},
    {"name": "solver", "password_hash": "$solver", $hashing, "tags": [], $few},
    {"name": "builder", "password_hash": "$builder", $hashing, "tags": [], $few},
    {"name": "artifacts", "password_hash": "$artifacts", $hashing, "tags": [], $few},
    {"name": "operator", "password_hash": "$operator", $hashing, "tags": ["administrator"], "limits": {}},
    {"name": "watcher", "password_hash": "$watcher", $hashing, "tags": ["monitoring"], "limits": {"max-connections": 10}},
    {"name": "events", "password_hash": "$events", $hashing, "tags": [], "limits": {"max-connections": 100, "max-channels": 1000}}
  ],
  "permissions": [
    $(may api "$lost"),
    $(may auth),
    $(may solver),
    $(may builder),
    $(may artifacts),
    {"user": "operator", "vhost": "conda-store", "configure": ".*", "write": ".*", "read": ".*"},
    {"user": "watcher", "vhost": "conda-store", "configure": "^$", "write": "^$", "read": "^$"},
    {"user": "events", "vhost": "conda-store",
     "configure": "^events[.].+$", "write": "^events[.].+$", "read": "^events[.].+$|$public_events"}
  ],
  "topic_permissions": [
    $(says api 'solve.requested solve.canceled prefix.requested artifact.requested build.canceled link.requested
        environment.updated link.discard_requested prefix.discard_requested artifact.discard_requested token.used
        index.requested' \
        'solve.answered lockfile.solved prefix.built artifact.stored image.requested environment.linked environment.updated
        link.discarded prefix.discarded artifact.discarded storage.measured token.revoked channel.indexed
        specification.found '"$attempt"),
    $(says auth 'token.revoked token.used' 'token.revoked token.used'),
    $(says solver "solve.answered lockfile.solved channel.indexed $attempt" \
        'solve.requested solve.canceled build.canceled index.requested'),
    $(says builder "prefix.built environment.linked link.discarded prefix.discarded storage.measured specification.found $attempt" \
        'prefix.requested build.canceled link.requested link.discard_requested prefix.discard_requested'),
    $(says artifacts "artifact.stored image.requested artifact.discarded token.used $attempt" \
        'artifact.requested build.canceled artifact.discard_requested token.revoked')
  ],
  "exchanges": [
    {"name": "conda-store", "vhost": "conda-store", "type": "topic", "durable": true, "auto_delete": false,
     "internal": false, "arguments": {}},
    {"name": "conda-store.dead", "vhost": "conda-store", "type": "direct", "durable": true, "auto_delete": false,
     "internal": false, "arguments": {}},
    {"name": "conda-store.events", "vhost": "conda-store", "type": "topic", "durable": true, "auto_delete": false,
     "internal": false, "arguments": {}}
  ],
  "policies": [
    {"vhost": "conda-store", "name": "events", "pattern": "^events[.]", "apply-to": "queues", "priority": 0,
     "definition": {"max-length": 100000, "max-length-bytes": 268435456, "overflow": "drop-head"}}
  ]
}
END
