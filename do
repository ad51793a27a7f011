#!/usr/bin/env bash
# The one script: what an operator or a contributor does with this repository. `./do help` lists it.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lab/here.sh"
export ORCHESTRATOR_VAR=$VAR ORCHESTRATOR_ROOT=$ROOT DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
LAB=$ROOT/lab
NODES=(1 2 3)
HOSTS=(1 2)

help() {
  cat <<'TEXT'
./do up [--hosts real:N | --hosts simulated:N] installs what is missing, builds, starts PostgreSQL, three engine
                                               nodes and N hosts (real:2 unless told otherwise; simulated: no guests)
./do status        nodes, what is stuck and why, hosts, VMs
./do why NAME|ID   who owns a VM, what it waits for and why (./do why host NAME: the same of a host, disk …)
./do demo          walks a guest through boot, live migration, the death of its engine node and of its host
./do demo WHAT     trials of the real hosts, each with a verdict: migrations [ROUNDS] with mishaps, drain [GUESTS] with an
                   echo of each, pauses [N] that must not fence, moves [ROUNDS] of disks, snapshots [ROUNDS],
                   operations [COUNT] with kill -9 of agent and libvirtd, ha [ROUNDS] by phase, starts [ROUNDS]
                   beside virsh, crowd [GUESTS] on one host, fuzz [MINUTES] (./do demo help: their options)
./do down          stops everything that `up` started, and nothing else (--erase: removes its data too)
./do build         builds the solution (Release)
./do check         format, build, the fast tests
./do test [WORD]   all tests, or the projects (Deciders, Cluster …) or tests (a dotted name) with that word
./do simulate      whole installations from seeds, on a virtual clock: faults, clients, checkers
                   --seed N | --seeds A..B, --hours H each, --minutes WALL in all, --nodes N --hosts N --vms N
./do bench [WHAT]  measures. starts: VM starts per second, CPU and memory; engine: tells, asks, events, recovery beside
                   their limits (tells, asks, persists, memory, recovery: that part alone); takeover: 10,000 VMs when a
                   node dies, freezes, leaves; restarts: a host with 200 HA VMs dies; transfer: an image goes up
                   and down; lists: 1,000 VMs listed, searched, followed, and read at once after a write. Default: all
./do nodes ACTION  the engine nodes: start|stop|kill N, status     (lab/nodes.sh)
./do host ACTION   the laboratory hosts: on|off|cut|heal|exec|virsh N …   (lab/hosts.sh)

Environment: ORCHESTRATOR_VAR  where everything lives (default: var/)
             LAB_NET, LAB_LOOP first three numbers of the hosts' network (10.77.0) and of the loopback addresses
                               (127.0.0): a second installation beside this one needs others
TEXT
}

# step WHAT COMMAND...: says what is going on, and how long it took.
step() {
  local what=$1 began=$SECONDS
  shift
  printf '%s …\n' "$what"
  "$@" || return
  printf '  done in %d s\n' $((SECONDS - began))
}

quietly() {    # runs a command with its output in a log that is shown when it fails
  local log=$VAR/log/$1.log
  shift
  mkdir -p "$VAR/log"
  "$@" > "$log" 2>&1 < /dev/null && return
  tail -n 20 "$log" >&2
  fail "That failed; the whole output is in $log."
}

publish() { quietly publish dotnet publish "$ROOT/src/Host.Node" --configuration Release --output "$VAR/bin"; }

# ---- up -----------------------------------------------------------------------------------------------------------

choose_hosts() {    # sets hosts to "real" or to the number of simulated ones
  local result=0
  "$LAB/packages.sh" || result=$?
  if ((result == 1)); then exit 1; fi
  if [[ $hosts == simulated:* ]]; then hosts=${hosts#simulated:}; return; fi
  if [[ $hosts == real:* ]]; then mapfile -t HOSTS < <(seq "${hosts#real:}"); fi
  hosts=real
  if ((result == 2 || EUID != 0)) || ! command -v libvirtd > /dev/null; then
    say "Real hosts need root and libvirt, and this machine has no way to them here. The engine is real; 4 SIMULATED"
    say "hosts are started in their place: no guest really runs."
    hosts=4
  fi
}

set_password() {
  dotnet "$VAR/bin/orchestrator.dll" admin set-password --config "$VAR/nodes/1/node.conf" \
    --user admin@internal --password-file "$VAR/secrets/admin-password"
}

start_nodes() {
  "$LAB/nodes.sh" prepare "${NODES[@]}"
  [[ -e $VAR/secrets/admin-password.set ]] || { quietly password set_password; touch "$VAR/secrets/admin-password.set"; }
  "$LAB/nodes.sh" start "${NODES[@]}"
  "$LAB/nodes.sh" await "${NODES[@]}"
}

start_hosts() {
  "$LAB/pki.sh" host "${HOSTS[@]}"
  "$LAB/hosts.sh" up "${HOSTS[@]}"
  "$LAB/bmc.sh" up "${HOSTS[@]}"
}

up() {
  local hosts=real
  while (($#)); do
    case $1 in
      --hosts) hosts=$2; shift 2;;
      --hosts=*) hosts=${1#--hosts=}; shift;;
      *) help; fail "Unknown option: $1";;
    esac
  done
  [[ $hosts =~ ^real(:[1-9][0-9]?)?$ || $hosts =~ ^simulated:[1-9][0-9]*$ ]] ||
    fail "--hosts is real, real:NUMBER or simulated:NUMBER, not '$hosts'."
  if [[ -e $VAR/up ]] && is_running; then say "The installation is up already."; introduce; return; fi
  remember_choices
  mkdir -p "$VAR/log"
  step "Looking at packages" choose_hosts
  step "Building (Release)" publish
  step "Starting PostgreSQL" "$LAB/postgres.sh" up
  printf '%s\n' "$hosts" > "$VAR/up"
  step "Starting ${#NODES[@]} engine nodes" start_nodes
  if [[ $hosts == real ]]; then
    step "Preparing the test guest" "$LAB/guest.sh" up
    step "Booting ${#HOSTS[@]} hosts and their power controllers" start_hosts
    step "Registering hosts" "$LAB/register.sh" hosts "${HOSTS[@]}"
  else
    step "Starting $hosts simulated hosts" "$LAB/fleet.sh" up "$hosts"
    step "Registering simulated hosts" "$LAB/register.sh" fleet "$hosts"
  fi
  step "Preparing the storage domain" "$LAB/register.sh" storage
  say "Everything is up after $SECONDS s."
  introduce
}

is_running() {
  local number
  for number in "${NODES[@]}"; do noted_process "$VAR/nodes/$number/pid" > /dev/null || return 1; done
}

introduce() {
  local address; address=https://$(node_address 1):$REST_PORT/ovirt-engine
  cat <<TEXT

API        $address/api   (also on $(node_address 2) and $(node_address 3))
user       admin@internal
password   in $VAR/secrets/admin-password
CA         $VAR/pki/ca.crt
look       ./do status
           curl --cacert $VAR/pki/ca.crt --user "admin@internal:\$(cat $VAR/secrets/admin-password)" \\
             $address/api/vms
stop       ./do down
TEXT
  if [[ $(cat "$VAR/up") == real ]]; then say "try        ./do demo"; else say "The hosts are simulated: no guest really runs."; fi
}

# ---- the rest -----------------------------------------------------------------------------------------------------

down() {
  local erase=no
  if [[ ${1:-} == --erase ]]; then erase=yes; fi
  if [[ ! -d $VAR ]]; then say "Nothing is up here."; return; fi
  "$LAB/nodes.sh" stop
  "$LAB/fleet.sh" down
  if [[ -d $VAR/hosts ]]; then "$LAB/bmc.sh" down; "$LAB/hosts.sh" down; fi
  if [[ -d $VAR/postgres ]]; then "$LAB/postgres.sh" down; fi
  rm -f "$VAR/up"
  if [[ $erase == yes ]]; then erase_data; say "Its data is removed."; fi
  say "Everything that up had started is stopped."
}

erase_data() {
  local server
  for server in "$VAR"/postgres*/; do
    [[ -d $server ]] && rm -rf "$(readlink -f "$server/data")"
  done
  rm -rf "${VAR:?}"
}

status() {
  . "$LAB/rest.sh"
  say "Engine nodes"
  "$LAB/nodes.sh" status | sed 's/^/  /'
  "$LAB/postgres.sh" status | sed 's/^/  /' || true
  if [[ -d $VAR/hosts ]]; then "$LAB/hosts.sh" status | sed 's/^/  /'; fi
  if [[ -d $VAR/fleet ]]; then "$LAB/fleet.sh" status | sed 's/^/  /'; fi
  api_base > /dev/null || { say "No engine node answers."; return 3; }
  log_in
  say "The cluster"
  engine nodes | jq -r '.nodes[].sentence | "  " + .'
  engine shards | jq -r '.sentences[] | "  " + .'
  say "Stuck for 30 s and more"
  engine stuck | jq -r 'if .sentences == [] then "  nothing" else .sentences[] | "  " + . end'
  say "Hosts"
  api GET /hosts | jq -r '.host[]? | "  \(.name)\t\(.address)\t\(.status)"'
  say "Storage domains"
  api GET /storagedomains | jq -r '.storage_domain[]? | "  \(.name)\t\(.storage.path // "")\t\(.status // "active")"'
  say "VMs"
  local names
  names=$(api GET /hosts | jq '[.host[]? | {key: .id, value: .name}] | from_entries')
  api GET /vms | jq -r --argjson names "$names" \
    '.vm[]? | "  \(.name)\t\(.status)\t\(if .host then "on " + ($names[.host.id] // .host.id) else "" end)"'
}

why() {
  local kind=vm
  case ${1:-} in vm | host | cluster | datacenter | storagedomain | disk | template) kind=$1; shift;; esac
  (($# == 1)) || fail "Whom? ./do why VM-NAME|ID, or ./do why KIND NAME|ID"
  . "$LAB/rest.sh"
  log_in
  engine "entities/$kind/$(jq -rn --arg name "$1" '$name | @uri')" | jq -r '.sentences[]'
}

demo() {
  [[ -e $VAR/up ]] && is_running || fail "The installation is not up. Start it first: ./do up"
  [[ $(cat "$VAR/up") == real || ${1:-} == fuzz ]] || fail "The demo needs real hosts; this installation has simulated ones."
  step "Building the demo" quietly demo-build dotnet build "$ROOT/demo" --configuration Release --output "$VAR/demo"
  exec dotnet "$VAR/demo/demo.dll" "$@"
}

build() { dotnet build "$ROOT/Orchestrator.sln" --configuration Release --verbosity quiet; }

check() {
  step "Format" quietly format dotnet format "$ROOT/Orchestrator.sln" --verify-no-changes --no-restore
  step "Build" quietly build dotnet build "$ROOT/Orchestrator.sln" --verbosity quiet
  "$LAB/test.sh" --fast
}

run_tests() {
  local result=0
  "$LAB/packages.sh" || result=$?
  if ((result == 1)); then exit 1; fi
  "$LAB/packages.sh" tests || say "Tests that need what could not be installed are skipped."
  step "Building the solution" quietly build dotnet build "$ROOT/Orchestrator.sln" --verbosity quiet
  "$LAB/test.sh" "$@"
}

bench() {
  local what=${1:-} result=0
  shift || true
  case $what in
    starts) dotnet run --project "$ROOT/bench/Starts" --configuration Release -- "$@";;
    engine) dotnet run --project "$ROOT/bench/Engine" --configuration Release -- "$@";;
    takeover) dotnet run --project "$ROOT/bench/Takeover" --configuration Release -- "$@";;
    restarts) dotnet run --project "$ROOT/bench/Restarts" --configuration Release -- "$@";;
    transfer) dotnet run --project "$ROOT/bench/Transfer" --configuration Release -- "$@";;
    lists) dotnet run --project "$ROOT/bench/Lists" --configuration Release -- "$@";;
    '') for what in starts engine takeover restarts transfer lists; do bench "$what" || result=$?; done; return "$result";;
    *) fail "./do bench starts [VMS], engine [tells|asks|persists|memory|recovery ...], takeover, restarts [VMS], transfer [MIB], lists [VMS]; or ./do bench for all";;
  esac
}

simulate() {
  local out=$VAR/simulator
  quietly simulator dotnet build "$ROOT/tests/Simulation" --configuration Release --verbosity quiet --output "$out"
  # Much garbage that dies young, on all cores: a large youngest generation, collected by all cores while all wait.
  export DOTNET_gcServer=1 DOTNET_gcConcurrent=0 DOTNET_GCgen0size=0x10000000
  exec dotnet "$out/Orchestrator.Tests.Simulation.dll" "$@"
}

action=${1:-help}; shift || true
case $action in
  up) up "$@";;
  down) down "$@";;
  status) status;;
  why) why "$@";;
  demo) demo "$@";;
  build) build;;
  check) check;;
  test) run_tests "$@";;
  simulate) simulate "$@";;
  bench) bench "$@";;
  nodes) "$LAB/nodes.sh" "$@";;
  host) "$LAB/hosts.sh" "$@";;
  help | --help) help;;
  *) help; fail "There is no './do $action'.";;
esac
