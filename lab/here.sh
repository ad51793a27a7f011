# Sourced by every script of this folder: where this installation lives and what its pieces are called.
# shellcheck shell=bash disable=SC2034

# The clone, and the folder that holds everything `./do up` creates.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
VAR=${ORCHESTRATOR_VAR:-$ROOT/var}

# Four hex digits that tell this installation's namespaces, interfaces and cgroups from another clone's.
TAG=$(printf %s "$VAR" | sha1sum | cut -c1-4)

# What was chosen at the first `up` holds for every later call, whatever the caller's environment says.
[[ -r $VAR/lab.env ]] && . "$VAR/lab.env"
LAB_NET=${LAB_NET:-10.77.0}
LAB_ENGINE=$LAB_NET.100   # the engine's address on the management network
LAB_SWITCH=$LAB_NET.254   # the switch; the hosts' BMCs answer here
LAB_LOOP=${LAB_LOOP:-127.0.0}   # PostgreSQL is .10 of it, engine nodes are .11, .12 …
REST_PORT=${REST_PORT:-8443}
AGENT_PORT=54321
FLEET_CONTROL_PORT=${FLEET_CONTROL_PORT:-54323}   # on 127.0.0.1
node_address() { printf '%s.%d\n' "$LAB_LOOP" $((10 + $1)); }

say()  { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

remember_choices() {
  mkdir -p "$VAR"
  [[ -e $VAR/lab.env ]] || printf 'LAB_NET=%s\nLAB_LOOP=%s\n' "$LAB_NET" "$LAB_LOOP" > "$VAR/lab.env"
}

# random_secret FILE: a new 32-character secret, readable by the owner only; a secret that is there stays.
random_secret() {
  [[ -s $1 ]] && return
  mkdir -p "$(dirname "$1")"
  (umask 077; head -c 24 /dev/urandom | base64 | tr '+/' '-_' > "$1")
}

# start_time PID: the kernel's start stamp of a process; with the pid it names one process for ever.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# note_process FILE PID: writes "pid start-stamp", so that a later call can tell our process from a stranger.
note_process() { printf '%s %s\n' "$2" "$(start_time "$2")" > "$1"; }

# noted_process FILE: prints the pid if that very process still runs; otherwise fails.
noted_process() {
  local pid stamp state
  [[ -r $1 ]] && read -r pid stamp < "$1" || return 1
  [[ -n $stamp && $(start_time "$pid") == "$stamp" ]] || return 1
  state=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -c1)
  [[ $state != Z ]] && printf '%s\n' "$pid"
}

# end_process FILE [SECONDS]: asks the noted process to end, kills it when the time is over, removes the file.
end_process() {
  local pid limit=$((${2:-10} * 20))
  if pid=$(noted_process "$1"); then
    kill "$pid" 2>/dev/null || true
    while noted_process "$1" >/dev/null && ((limit-- > 0)); do sleep 0.05; done
    noted_process "$1" >/dev/null && kill -9 "$pid" 2>/dev/null
  fi
  rm -f "$1"
}
