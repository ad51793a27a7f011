#!/usr/bin/env bash
# Hypervisor hosts on one machine: each has its own network, mounts, processes, cgroups, libvirtd and agent.
# They share a management network (a bridge in a namespace of its own) and the folder var/shared.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/here.sh"

usage() {
  cat <<'TEXT'
lab/hosts.sh up N...           builds the network if needed and boots hosts N (1 to 99)
lab/hosts.sh on N              boots host N: new boot id, empty /run, state folder as it was
lab/hosts.sh off N             cuts its power: link down, then everything on it dies at once
lab/hosts.sh reset N           the same, and it boots anew, as its watchdog does it
lab/hosts.sh exec N CMD...     runs a command on host N
lab/hosts.sh virsh N ARG...    virsh on host N
lab/hosts.sh agent N ACTION    status | kill (kill -9, comes back) | stop | start | log
lab/hosts.sh watchdog N off    resets host N, and it boots without a watchdog; on: with it again
lab/hosts.sh libvirt N kill    kill -9 of its libvirtd, which comes back; guests stay
lab/hosts.sh pause N WHAT      stops for a while, as a busy machine does: agent, libvirt or host (all that is on it)
lab/hosts.sh resume N WHAT     lets it go on
lab/hosts.sh cut N WHOM        drops all packets between host N and: engine | all | the number of a host; or takes its lease
                               on the storage away: storage
lab/hosts.sh heal N            takes every cut of host N back
lab/hosts.sh guests [UUID]     host, pid and role (running, incoming) of each QEMU process, seen on the hosts
lab/hosts.sh status            which hosts are on
lab/hosts.sh down              cuts the power of all hosts and removes network and cgroups
TEXT
}

SWITCH=lab-$TAG-switch
HOSTS=$VAR/hosts
controllers() { awk '!/^#/ && $4 == 1 {print $1}' /proc/cgroups | while read -r name; do
  if [[ -e /sys/fs/cgroup/$name/cgroup.procs ]]; then printf '%s ' "$name"; fi; done; }
if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then CGROUPS_VERSION=2; else CGROUPS_VERSION=1; fi
CGROUP_CONTROLLERS=$(controllers)
export CGROUPS_VERSION CGROUP_CONTROLLERS

netns_of()  { printf 'lab-%s-%s\n' "$TAG" "$1"; }
# Bridges would otherwise take the lowest address of their ports, and change it when a host comes or goes: the
# neighbours' ARP entries would lead nowhere for seconds, in the very moment of a fence.
mac_of()    { printf '02:4c:%s:%s:00:%02x\n' "${TAG:0:2}" "${TAG:2:2}" "$1"; }
has_netns() { [[ -e /run/netns/$1 ]]; }
init_of()   { noted_process "$HOSTS/$1/init.pid"; }
init_or_fail() { init_of "$1" || fail "Host $1 is off."; }
all_hosts() { local folder; for folder in "$HOSTS"/*/; do [[ -d $folder ]] && basename "$folder"; done; true; }

# The root namespace gets one leg into the management network, so that the engine reaches the agents.
build_switch() {
  has_netns "$SWITCH" && return
  if ip -4 addr show to "$LAB_NET.0/24" | grep -q inet; then
    fail "The network $LAB_NET.0/24 is in use on this machine. Choose another: LAB_NET=10.78.0 (before the first up)."
  fi
  ip netns add "$SWITCH"
  ip -n "$SWITCH" link set lo up
  ip -n "$SWITCH" link add lan address "$(mac_of 254)" type bridge
  ip -n "$SWITCH" addr add "$LAB_SWITCH/24" dev lan
  ip -n "$SWITCH" link set lan up
  ip link add "lab$TAG" type veth peer name engine netns "$SWITCH"
  ip -n "$SWITCH" link set engine master lan up
  ip addr add "$LAB_ENGINE/24" dev "lab$TAG"
  ip link set "lab$TAG" up
}

# A boot gets a new network stack: nothing of the connections from before the power cut is left.
plug_in() {
  local ns; ns=$(netns_of "$1")
  if has_netns "$ns"; then unplug "$1"; fi
  ip netns add "$ns"
  ip -n "$ns" link set lo up
  ip -n "$ns" link add eth0 type veth peer name "h$1" netns "$SWITCH"
  ip -n "$ns" link add ovirtmgmt address "$(mac_of "$1")" type bridge
  ip -n "$ns" link set eth0 master ovirtmgmt up
  ip -n "$ns" addr add "$LAB_NET.$1/24" dev ovirtmgmt
  ip -n "$ns" link set ovirtmgmt up
  ip -n "$SWITCH" link set "h$1" master lan up
}
unplug() {
  ip -n "$SWITCH" link del "h$1" 2> /dev/null || true
  ip netns del "$(netns_of "$1")" 2> /dev/null || true
}

prepare_folders() {
  local host=$HOSTS/$1
  mkdir -p "$host"/{run,state,log/qemu,libvirt-lib,libvirt-cache} "$VAR/shared"
  rm -rf "${host:?}/run"/{*,.[!.]*}
  if [[ ! -d $host/libvirt-etc ]]; then
    cp -a /etc/libvirt "$host/libvirt-etc"
    rm -f "$host"/libvirt-etc/qemu/*.xml "$host"/libvirt-etc/qemu/networks/autostart/*
  fi
  [[ -s $host/machine-id ]] || tr -d - < /proc/sys/kernel/random/uuid > "$host/machine-id"
  { echo '127.0.0.1 localhost'; seq 1 99 | sed "s/.*/$LAB_NET.& host&/"; } > "$host/etc-hosts"
  touch "$host/boot_id"
}

# dynamic_ownership and remember_owner are off: hosts share the disks, and a host that lost its power
# would leave its claims on them for ever. keepalive: a migration whose other end is silent for 8 s fails, and the guest
# goes on where it was; libvirt's own 30 s are half a minute in which it may stand still.
configure_libvirt() {
  cat > "$HOSTS/$1/libvirt-etc/libvirtd.conf" <<TEXT
listen_tls = 0
listen_tcp = 1
listen_addr = "$LAB_NET.$1"
auth_tcp = "none"
auth_unix_rw = "none"
host_uuid = "$(sed -E 's/(.{8})(.{4})(.{4})(.{4})(.{12})/\1-\2-\3-\4-\5/' "$HOSTS/$1/machine-id")"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
keepalive_interval = 2
keepalive_count = 3
TEXT
  cat > "$HOSTS/$1/libvirt-etc/qemu.conf" <<TEXT
security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
vnc_listen = "$LAB_NET.$1"
migration_host = "$LAB_NET.$1"
migration_address = "$LAB_NET.$1"
migrate_tls_x509_cert_dir = "/etc/libvirt/pki"
migrate_tls_x509_verify = 1
keepalive_interval = 2
keepalive_count = 3
TEXT
  local folder=$HOSTS/$1/libvirt-etc/pki side
  mkdir -p "$folder"
  ln -sfn "$VAR/pki/ca.crt" "$folder/ca-cert.pem"
  for side in server client; do
    ln -sfn "$VAR/pki/host$1.crt" "$folder/$side-cert.pem"
    ln -sfn "$VAR/pki/host$1.key" "$folder/$side-key.pem"
  done
}

# lab/agent.conf is the template; without the engine's certificates the host boots without an agent.
configure_agent() {
  [[ -r $VAR/pki/host$1.crt && -r $ROOT/lab/agent.conf ]] || return 0
  sed -e "s|@VAR@|$VAR|g; s|@NUMBER@|$1|g; s|@ADDRESS@|$LAB_NET.$1|g" "$ROOT/lab/agent.conf" > "$HOSTS/$1/agent.conf"
}

make_cgroups() {
  local name=lab-$TAG-$1 controller file
  if [[ $CGROUPS_VERSION == 2 ]]; then
    mkdir -p "/sys/fs/cgroup/$name"
    for controller in cpuset cpu io memory pids; do
      echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control 2> /dev/null || true
    done
    printf '/sys/fs/cgroup/%s\n' "$name"
    return
  fi
  for controller in $CGROUP_CONTROLLERS; do
    mkdir -p "/sys/fs/cgroup/$controller/$name"
    if [[ $controller == cpuset ]]; then
      for file in cpus mems; do
        cat "/sys/fs/cgroup/cpuset/cpuset.$file" > "/sys/fs/cgroup/cpuset/$name/cpuset.$file"
      done
    fi
    printf '/sys/fs/cgroup/%s/%s\n' "$controller" "$name"
  done
}

remove_cgroups() {
  local folder pass
  for folder in /sys/fs/cgroup/lab-"$TAG-$1" /sys/fs/cgroup/*/lab-"$TAG-$1"; do
    [[ -d $folder ]] || continue
    for pass in 1 2 3 4 5; do
      find "$folder" -depth -type d -exec rmdir {} \; 2> /dev/null || true
      [[ -d $folder ]] || break
      sleep 0.1
    done
  done
}

# The launcher joins the host's cgroups and network, then becomes `unshare`, whose child is the host's process 1.
launch() {
  local number=$1 launcher child='' tries=200 groups
  groups=$(make_cgroups "$number")
  setsid bash -c 'for group in $1; do echo $$ > "$group/cgroup.procs"; done
    exec nsenter --net="/run/netns/$2" unshare --mount --uts --ipc --cgroup --pid --fork --kill-child \
      --propagation private bash "$3/lab/host-init.sh" "$4"' \
    launch "$groups" "$(netns_of "$number")" "$ROOT" "$number" > "$HOSTS/$number/log/console.log" 2>&1 < /dev/null &
  launcher=$!
  while ((tries-- > 0)); do
    child=$(pgrep -P "$launcher" -f "host-init.sh $number" || true)
    [[ -n $child ]] && break
    sleep 0.02
  done
  [[ -n $child ]] || fail "Host $number does not boot: $(tail -n 3 "$HOSTS/$number/log/console.log")"
  note_process "$HOSTS/$number/init.pid" "$child"
}

turn_on() {
  if init_of "$1" > /dev/null; then say "Host $1 is on."; return; fi
  [[ -d $HOSTS/$1 ]] || fail "There is no host $1; make it with: lab/hosts.sh up $1"
  export ORCHESTRATOR_VAR=$VAR
  prepare_folders "$1"
  configure_libvirt "$1"
  configure_agent "$1"
  plug_in "$1"
  watch_host "$1"
  launch "$1"
}

await_libvirt() {
  local tries=300
  until on_host "$1" virsh --quiet uri > /dev/null 2>&1; do
    ((tries-- > 0)) || fail "libvirtd of host $1 does not answer: see $HOSTS/$1/log/libvirtd.log and console.log"
    init_of "$1" > /dev/null || fail "Host $1 went down: $(tail -n 3 "$HOSTS/$1/log/console.log")"
    sleep 0.1
  done
}

turn_off() {
  local init
  ip -n "$SWITCH" link set "h$1" down 2> /dev/null || true    # no farewell on the wire: a dead host is silent
  end_process "$HOSTS/$1/watchdog.pid" 1
  if init=$(init_of "$1"); then
    kill -9 "$init" 2> /dev/null || true
    while init_of "$1" > /dev/null; do sleep 0.01; done
  fi
  rm -f "$HOSTS/$1/init.pid"
  unplug "$1"
}

up() {
  local number
  (($# > 0)) || fail "Say which hosts: lab/hosts.sh up 1 2"
  ((EUID == 0)) || fail "Real hosts need root."
  remember_choices
  for number in "$@"; do
    [[ $number =~ ^[1-9][0-9]?$ ]] || fail "A host's number is 1 to 99, not '$number'."
  done
  build_switch
  for number in "$@"; do mkdir -p "$HOSTS/$number"; turn_on "$number"; done
  for number in "$@"; do await_libvirt "$number"; done
  say "Hosts $* are on; management network $LAB_NET.0/24."
}

down() {
  local number
  for number in $(all_hosts); do
    turn_off "$number"
    remove_cgroups "$number"
  done
  ip link del "lab$TAG" 2> /dev/null || true
  ip netns del "$SWITCH" 2> /dev/null || true
  say "All hosts are off; network and cgroups are removed."
}

on_host() {
  local init; init=$(init_or_fail "$1"); shift
  nsenter --target "$init" --mount --net --uts --ipc --cgroup --pid "$@"
}

agent() {
  local run=$HOSTS/$1/run
  init_or_fail "$1" > /dev/null
  case $2 in
    status) on_host "$1" sh -c 'kill -0 "$(cat /run/agent.pid 2>/dev/null)" 2>/dev/null' \
              && say "The agent of host $1 runs." || { say "The agent of host $1 does not run."; return 3; };;
    kill) on_host "$1" sh -c 'kill -9 "$(cat /run/agent.pid)"';;
    stop) touch "$run/agent.hold"; on_host "$1" sh -c 'kill "$(cat /run/agent.pid)"' 2> /dev/null || true;;
    start) rm -f "$run/agent.hold";;
    log) cat "$HOSTS/$1/log/agent.log";;
    *) usage; fail "Unknown action for an agent: $2";;
  esac
}

libvirt() {
  init_or_fail "$1" > /dev/null
  case $2 in
    kill) on_host "$1" sh -c 'kill -9 "$(cat /run/lab-libvirtd.pid)"';;
    *) usage; fail "Unknown action for libvirt: $2";;
  esac
}

# signal N WHAT SIGNAL. All of a host twice: what was born while the first round went by.
signal() {
  local init; init=$(init_or_fail "$1")
  case $2 in
    agent) on_host "$1" sh -c 'kill "-$0" "$(cat /run/agent.pid)"' "$3";;
    libvirt) on_host "$1" sh -c 'kill "-$0" "$(cat /run/lab-libvirtd.pid)"' "$3";;
    host) pkill "-$3" --ns "$init" --nslist pid . || true; pkill "-$3" --ns "$init" --nslist pid . || true;;
    *) usage; fail "What of host $1? agent, libvirt or host, not '$2'.";;
  esac
}

cut_off() {
  local other
  case $2 in
    engine) other=$LAB_ENGINE;;
    all) ip -n "$SWITCH" link set "h$1" down; return;;
    storage) hide_leases "$1"; return;;
    [1-9]*) other=$LAB_NET.$2;;
    *) usage; fail "Cut host $1 from whom? engine, all or a host's number, not '$2'.";;
  esac
  ip netns exec "$(netns_of "$1")" nft -f - <<TEXT
table inet cut {
  chain arriving { type filter hook input priority 0; ip saddr $other drop; }
  chain leaving { type filter hook output priority 0; ip daddr $other drop; }
}
TEXT
}

lease_folders() { find "$VAR/shared" -maxdepth 4 -type d -name dom_md; }

# An empty folder in the place of each domain's metadata, where hosts keep their leases; only this host sees it so.
hide_leases() {
  local folder
  on_host "$1" mkdir -p /run/nothing
  for folder in $(lease_folders); do
    on_host "$1" mount --bind /run/nothing "$folder"
  done
}

show_leases() {
  local folder
  for folder in $(lease_folders); do
    on_host "$1" umount "$folder" 2> /dev/null || true
  done
}

# Stands in for a machine's watchdog device: 15 s after the last pet the host is reset, unless the agent has disarmed it (V).
# It is no process of the host, and goes on whatever becomes of that.
watch_host() {
  local pipe=$HOSTS/$1/run/lab-watchdog
  [[ ! -e $HOSTS/$1/no-watchdog ]] || return 0
  mkfifo "$pipe"
  setsid bash -c '
    armed=no
    exec 9<> "$1"
    while :; do
      if read -r -N 1 -t 15 -u 9 pet; then
        if [[ $pet == V ]]; then armed=no; else armed=yes; fi
      elif [[ $armed == yes ]]; then
        echo "$(date -u +%FT%T.%3NZ) the watchdog resets host $3" >> "$4"
        exec "$2" reset "$3"
      fi
    done' watchdog "$pipe" "$ROOT/lab/hosts.sh" "$1" "$HOSTS/$1/log/watchdog.log" > /dev/null 2>&1 < /dev/null &
  note_process "$HOSTS/$1/watchdog.pid" "$!"
}

watchdog() {
  case $2 in
    off) touch "$HOSTS/$1/no-watchdog";;
    on) rm -f "$HOSTS/$1/no-watchdog";;
    *) usage; fail "The watchdog of host $1 can be on or off, not '$2'.";;
  esac
  turn_off "$1"
  turn_on "$1"
}

reset_host() {
  rm -f "$HOSTS/$1/watchdog.pid"    # it is the one that calls
  turn_off "$1"
  turn_on "$1"
}

reconnect() {
  show_leases "$1"
  ip -n "$SWITCH" link set "h$1" up
  ip netns exec "$(netns_of "$1")" nft delete table inet cut 2> /dev/null || true
}

# Looked up in /proc by mount and process namespace: neither the engine nor libvirt is asked.
guests() {
  local number init pid namespace role
  for number in $(all_hosts); do
    init=$(init_of "$number") || continue
    namespace=$(readlink "/proc/$init/ns/pid")
    for pid in $(pgrep qemu-system || true); do
      [[ $(readlink "/proc/$pid/ns/pid" 2> /dev/null) == "$namespace" ]] || continue
      role=$(tr '\0' '\n' < "/proc/$pid/cmdline" 2> /dev/null | awk -v wanted="${1:-}" '
        after == "uuid" {uuid = $0} after == "incoming" {role = "incoming"}
        {after = ($0 ~ /^-/) ? substr($0, 2) : ""}
        END {if (uuid != "" && (wanted == "" || wanted == uuid)) print uuid, (role == "" ? "running" : role)}')
      if [[ -n $role ]]; then printf '%s %s %s\n' "$number" "$pid" "$role"; fi
    done
  done
}

status() {
  local number
  for number in $(all_hosts); do
    if init_of "$number" > /dev/null; then say "host $number: on ($LAB_NET.$number)"; else say "host $number: off"; fi
  done
}

needs() { (($2 >= $1)) || { usage; fail "Something is missing in the command."; }; }
action=${1:-help}; shift || true
case $action in
  up) up "$@";;
  on) needs 1 $#; turn_on "$1"; await_libvirt "$1";;
  off) needs 1 $#; turn_off "$1";;
  reset) needs 1 $#; reset_host "$1";;
  exec) needs 2 $#; on_host "$@";;
  virsh) needs 2 $#; number=$1; shift; on_host "$number" virsh "$@";;
  agent) needs 2 $#; agent "$@";;
  watchdog) needs 2 $#; watchdog "$@";;
  libvirt) needs 2 $#; libvirt "$@";;
  pause) needs 2 $#; signal "$1" "$2" STOP;;
  resume) needs 2 $#; signal "$1" "$2" CONT;;
  cut) needs 2 $#; cut_off "$@";;
  heal) needs 1 $#; reconnect "$1";;
  guests) guests "$@";;
  status) status;;
  down) down;;
  *) usage;;
esac
