#!/usr/bin/env bash
# Engine nodes of this installation: processes of var/bin/orchestrator.dll on loopback addresses.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/here.sh"

usage() {
  cat <<'TEXT'
lab/nodes.sh prepare N...   secrets, certificates, configuration of nodes N (1 to 9)
lab/nodes.sh start N...     starts them (those that run stay)     lab/nodes.sh await N...   until they are healthy
lab/nodes.sh stop [N...]    asks them to leave and end            lab/nodes.sh kill N       kill -9, as a crash
lab/nodes.sh pause N        SIGSTOP, as a frozen machine             lab/nodes.sh resume N     SIGCONT
lab/nodes.sh status         one line per node: pid, health
TEXT
}

NODES=$VAR/nodes
CONF_OF() { printf '%s/%s/node.conf\n' "$NODES" "$1"; }
all_nodes() { local folder; for folder in "$NODES"/*/; do [[ -d $folder ]] && basename "$folder"; done; true; }

prepare() {
  local number
  . "$VAR/postgres/server.env"    # address, port of PostgreSQL
  random_secret "$VAR/secrets/token-key"
  random_secret "$VAR/secrets/admin-password"
  [[ -s $VAR/secrets/instance-id ]] || cp /proc/sys/kernel/random/uuid "$VAR/secrets/instance-id"
  "$ROOT/lab/pki.sh" node "$@"
  for number in "$@"; do
    mkdir -p "$NODES/$number"/{state,log}
    sed -e "s|@VAR@|$VAR|g; s|@NUMBER@|$number|g; s|@ADDRESS@|$(node_address "$number")|g" \
      -e "s|@PG_ADDRESS@|${address:?}|g; s|@PG_PORT@|${port:?}|g" "$ROOT/lab/node.conf" > "$(CONF_OF "$number")"
  done
}

start() {
  local number
  export DOTNET_CLI_TELEMETRY_OPTOUT=1
  for number in "$@"; do
    if noted_process "$NODES/$number/pid" > /dev/null; then continue; fi
    [[ -r $(CONF_OF "$number") ]] || fail "Node $number is not prepared: lab/nodes.sh prepare $number"
    setsid dotnet "$VAR/bin/orchestrator.dll" --config "$(CONF_OF "$number")" \
      >> "$NODES/$number/log/node.log" 2>&1 < /dev/null &
    note_process "$NODES/$number/pid" $!
  done
}

healthy() {
  curl --silent --fail --max-time 2 --cacert "$VAR/pki/ca.crt" \
    "https://$(node_address "$1"):$REST_PORT/ovirt-engine/services/health" > /dev/null 2>&1
}

# It is a member, may act, and its database answers.
ready() {
  curl --silent --fail --max-time 2 --cacert "$VAR/pki/ca.crt" \
    "https://$(node_address "$1"):$REST_PORT/health/ready" > /dev/null 2>&1
}

await() {
  local number limit=$((SECONDS + ${AWAIT_SECONDS:-90}))
  for number in "$@"; do
    until ready "$number"; do
      noted_process "$NODES/$number/pid" > /dev/null ||
        fail "Node $number ended. Its last words ($NODES/$number/log/node.log):
$(tail -n 8 "$NODES/$number/log/node.log")"
      ((SECONDS < limit)) || fail "Node $number is not healthy in time; see $NODES/$number/log/node.log"
      sleep 0.2
    done
  done
}

stop() {
  local number pid
  if (($# == 0)); then mapfile -t numbers < <(all_nodes); set -- "${numbers[@]}"; fi
  for number in "$@"; do
    if pid=$(noted_process "$NODES/$number/pid"); then kill "$pid" 2> /dev/null || true; fi
  done
  for number in "$@"; do end_process "$NODES/$number/pid" 15; done
}

crash() {
  local pid
  pid=$(noted_process "$NODES/$1/pid") || fail "Node $1 does not run."
  kill -9 "$pid"
  rm -f "$NODES/$1/pid"
}

# send N SIGNAL
send() {
  local pid
  pid=$(noted_process "$NODES/$1/pid") || fail "Node $1 does not run."
  kill "-$2" "$pid"
}

status() {
  local number pid health
  for number in $(all_nodes); do
    if pid=$(noted_process "$NODES/$number/pid"); then
      if ready "$number"; then health=ready
      elif healthy "$number"; then health='answers, but is not ready (see /health/ready)'
      else health='does not answer'; fi
      printf 'node%s\t%s\tpid %s\t%s\n' "$number" "$(node_address "$number"):$REST_PORT" "$pid" "$health"
    else
      printf 'node%s\t%s\t-\tstopped\n' "$number" "$(node_address "$number"):$REST_PORT"
    fi
  done
}

action=${1:-help}; shift || true
case $action in
  prepare) prepare "$@";;
  start) start "$@";;
  await) await "$@";;
  stop) stop "$@";;
  kill) crash "$1";;
  pause) send "$1" STOP;;
  resume) send "$1" CONT;;
  status) status;;
  *) usage;;
esac
