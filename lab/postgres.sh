#!/usr/bin/env bash
# A private PostgreSQL server: own data folder, own port, own password. No system server is touched.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/here.sh"

usage() {
  cat <<'TEXT'
lab/postgres.sh up|down|status|url|psql [options] [-- psql arguments]
  --name NAME        which server; each has its own folder and port (default: main)
  --address ADDRESS  where it listens (default: 127.0.0.10, or PGLAB_ADDRESS)
  --port PORT        (default: 5433, or PGLAB_PORT)
  --database NAME    made when missing (default: orchestrator)
  --erase            with down: removes the data folder too
url prints the connection string for Npgsql; the password is in FOLDER/password (mode 0600).
TEXT
}

action=${1:-help}; shift || true
name=main address=${PGLAB_ADDRESS:-$LAB_LOOP.10} port=${PGLAB_PORT:-5433} database=orchestrator erase=no chosen=no
while (($#)); do
  case $1 in
    --name) name=$2; shift 2;;
    --address) address=$2 chosen=yes; shift 2;;
    --port) port=$2 chosen=yes; shift 2;;
    --database) database=$2; shift 2;;
    --erase) erase=yes; shift;;
    --) shift; break;;
    *) usage; fail "Unknown option: $1";;
  esac
done

folder=$VAR/postgres; [[ $name == main ]] || folder=$VAR/postgres-$name
secret=$folder/password
if [[ -r $folder/server.env && $chosen == no ]]; then . "$folder/server.env"; fi

programs() {
  local found
  for found in /usr/lib/postgresql/15/bin /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
    [[ -x $found/initdb ]] && { printf '%s\n' "$found"; return; }
  done
  fail "PostgreSQL's programs (initdb, pg_ctl) are missing. Run lab/packages.sh."
}

# PostgreSQL refuses to run as root; everything it owns belongs to the account `postgres` then.
as_owner() { if ((EUID == 0)); then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }

# The data folder lives in the clone when the server's account can walk there, in /var/lib otherwise (with a link).
place_data() {
  [[ -e $folder/data ]] && return
  mkdir -p "$folder"
  chmod 711 "$folder"
  if as_owner test -x "$folder"; then
    mkdir -p "$folder/data"
  else
    local elsewhere
    elsewhere=/var/lib/orchestrator/$(printf %s "$folder" | sha1sum | cut -c1-12)
    mkdir -p "$elsewhere"
    ln -sfn "$elsewhere" "$folder/data"
    say "The account postgres cannot reach $folder, so the data is in $elsewhere."
  fi
  if ((EUID == 0)); then chown postgres "$folder/data/"; fi
  chmod 700 "$folder/data/"
}

# Sockets need a path under 108 bytes, whatever the clone's path is.
socket_folder() { printf '/tmp/orchestrator-pg-%s-%s\n' "$TAG" "$name"; }

settings() {
  cat <<TEXT
listen_addresses = '$address'
port = $port
unix_socket_directories = '$(socket_folder)'
max_connections = 200
shared_buffers = 256MB
fsync = on
synchronous_commit = on
wal_compression = on
max_wal_size = 1GB
checkpoint_timeout = 10min
password_encryption = 'scram-sha-256'
client_connection_check_interval = 2s   # a killed client's session ends, and its advisory locks with it
tcp_keepalives_idle = 5
tcp_keepalives_interval = 2
tcp_keepalives_count = 3
log_line_prefix = '%m [%p] %u@%d '
TEXT
}

initialise() {
  [[ -s $(readlink -f "$folder/data")/PG_VERSION ]] && return
  random_secret "$secret"
  local handed
  handed=$(mktemp)
  cp "$secret" "$handed"
  if ((EUID == 0)); then chown postgres "$handed"; fi
  as_owner "$bin/initdb" --pgdata="$data" --username=orchestrator --auth=scram-sha-256 --pwfile="$handed" \
    --encoding=UTF8 --locale=C.UTF-8 --no-instructions > "$folder/initdb.log" 2>&1 ||
    { rm -f "$handed"; cat "$folder/initdb.log" >&2; fail "initdb failed."; }
  rm -f "$handed"
  as_owner sh -c "echo \"include_if_exists = 'laboratory.conf'\" >> '$data/postgresql.conf'"
}

running() { as_owner "$bin/pg_ctl" status --pgdata="$data" > /dev/null 2>&1; }

sql() { PGPASSWORD=$(cat "$secret") "$bin/psql" --no-psqlrc --host="$address" --port="$port" --username=orchestrator "$@"; }

up() {
  place_data
  data=$(readlink -f "$folder/data")
  initialise
  if running; then say "PostgreSQL $name already runs on $address:$port."; return; fi
  mkdir -p "$(socket_folder)"
  if ((EUID == 0)); then chown postgres "$(socket_folder)"; fi
  settings | as_owner sh -c "cat > '$data/laboratory.conf'"
  printf 'address=%s port=%s\n' "$address" "$port" > "$folder/server.env"
  # The server must not inherit the caller's streams: a pipeline around `up` would never end.
  as_owner "$bin/pg_ctl" start --pgdata="$data" --log="$data/server.log" --wait --timeout=60 \
    > "$folder/start.log" 2>&1 < /dev/null ||
    { as_owner tail -n 10 "$data/server.log" >&2; fail "PostgreSQL did not start."; }
  if ! sql --dbname=postgres --tuples-only --command="select 1 from pg_database where datname='$database'" | grep -q 1
  then sql --dbname=postgres --quiet --command="create database \"$database\""; fi
  say "PostgreSQL $name runs on $address:$port, data in $data."
}

down() {
  if [[ ! -e $folder/data ]]; then say "There is no PostgreSQL $name here."; return; fi
  data=$(readlink -f "$folder/data")
  if running; then
    as_owner "$bin/pg_ctl" stop --pgdata="$data" --mode=fast --wait > /dev/null
    say "PostgreSQL $name is stopped."
  fi
  rm -rf "$(socket_folder)"
  if [[ $erase == yes ]]; then rm -rf "$data" "$folder"; fi
}

[[ $action == help || $action == --help ]] && { usage; exit; }
bin=$(programs)
data=$(readlink -f "$folder/data" || true)
case $action in
  up) up;;
  down) down;;
  status) if [[ -n $data ]] && running; then say "PostgreSQL $name runs on $address:$port."
          else say "PostgreSQL $name does not run."; exit 3; fi;;
  url) printf 'Host=%s;Port=%s;Database=%s;Username=orchestrator;Password=%s\n' \
         "$address" "$port" "$database" "$(cat "$secret")";;
  psql) sql --dbname="$database" "$@";;
  *) usage; fail "Unknown action: $action";;
esac
