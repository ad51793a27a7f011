#!/usr/bin/env bash
# One baseboard management controller (IPMI 2.0 over LAN, Debian's ipmi_sim) per laboratory host, in the switch's
# namespace: it stays reachable when its host is dead. Powering off really kills that host.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/here.sh"

usage() {
  cat <<TEXT
lab/bmc.sh up N...       BMC of host N answers on $LAB_SWITCH, UDP port 9000+N; user admin; password in
                         var/secrets/bmc-password (mode 0600)
lab/bmc.sh down [N...]   ends them (all, when none is named)
lab/bmc.sh status        which answer
lab/bmc.sh fence N on|off|status   asks it as an operator would, through fence_ipmilan
TEXT
}

BMCS=$VAR/bmc
SECRET=$VAR/secrets/bmc-password
PORT_OF_ZERO=9000

# IPMI 2.0 passwords have 20 bytes at most.
password() { if [[ ! -s $SECRET ]]; then random_secret "$SECRET"; head -c 16 "$SECRET" > "$SECRET.short"
  chmod 600 "$SECRET.short"; mv "$SECRET.short" "$SECRET"; fi; cat "$SECRET"; }

configure() {
  local folder=$BMCS/$1 port=$((PORT_OF_ZERO + $1)) key methods='none md2 md5 straight'
  mkdir -p "$folder/state"
  key=$(password)
  (umask 077; cat > "$folder/lan.conf") <<TEXT
name "bmc$1"
set_working_mc 0x20
startlan 1
  addr $LAB_SWITCH $port
  priv_limit admin
  allowed_auths_callback $methods
  allowed_auths_user $methods
  allowed_auths_operator $methods
  allowed_auths_admin $methods
  guid $(printf 'a1234567%s00000000000000000000%02x' "$TAG" "$1" | head -c 32)
endlan
chassis_control "$folder/chassis"
user 1 true "" "" user 10 none md2 md5 straight
user 2 true "admin" "$key" admin 10 none md2 md5 straight
TEXT
  cat > "$folder/commands.emu" <<TEXT
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
TEXT
  printf '#!/bin/sh\nORCHESTRATOR_VAR=%q exec sh %q %d "$@"\n' "$VAR" "$ROOT/lab/bmc-chassis.sh" "$1" > "$folder/chassis"
  chmod +x "$folder/chassis"
}

up() {
  local number
  for number in "$@"; do
    if noted_process "$BMCS/$number/pid" > /dev/null; then say "The BMC of host $number is there."; continue; fi
    configure "$number"
    setsid nsenter --net="/run/netns/lab-$TAG-switch" ipmi_sim --config-file "$BMCS/$number/lan.conf" \
      --command-file "$BMCS/$number/commands.emu" --state-dir "$BMCS/$number/state" --nopersist --nostdio \
      > "$BMCS/$number/log" 2>&1 < /dev/null &
    note_process "$BMCS/$number/pid" $!
  done
  for number in "$@"; do await "$number"; done
  say "BMCs of hosts $* answer on $LAB_SWITCH, ports $PORT_OF_ZERO + host number."
}

await() {
  local tries=50
  until power "$1" status > /dev/null 2>&1; do
    ((tries-- > 0)) || fail "The BMC of host $1 does not answer: $(tail -n 3 "$BMCS/$1/log")"
    noted_process "$BMCS/$1/pid" > /dev/null || fail "The BMC of host $1 ended: $(tail -n 3 "$BMCS/$1/log")"
    sleep 0.1
  done
}

power() {
  IPMI_PASSWORD=$(password) ipmitool -I lanplus -H "$LAB_SWITCH" -p $((PORT_OF_ZERO + $1)) -U admin -E -C 3 \
    chassis power "$2"
}

# cipher=3 matters: without it ipmitool first asks which suites there are, ipmi_sim does not answer that, and each
# call waits 10 s for it. The agent reads its options from standard input, so that the password is in no
# list of processes.
fence() {
  printf '%s\n' "ip=$LAB_SWITCH" "ipport=$((PORT_OF_ZERO + $1))" username=admin "password=$(password)" lanplus=1 \
    cipher=3 "action=$2" | fence_ipmilan
}

down() {
  local number
  if (($# == 0)); then for number in "$BMCS"/[0-9]*/; do [[ -d $number ]] && set -- "$@" "$(basename "$number")"; done; fi
  for number in "$@"; do end_process "$BMCS/$number/pid" 2; done
  say "The BMCs are gone."
}

status() {
  local folder number
  for folder in "$BMCS"/[0-9]*/; do
    [[ -d $folder ]] || continue
    number=$(basename "$folder")
    if noted_process "$folder/pid" > /dev/null; then say "BMC of host $number: $(power "$number" status)"
    else say "BMC of host $number: not there"; fi
  done
}

action=${1:-help}; shift || true
case $action in
  up) up "$@";;
  down) down "$@";;
  status) status;;
  fence) fence "$@";;
  *) usage;;
esac
