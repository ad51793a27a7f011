#!/usr/bin/env bash
# Simulated hosts: one process that plays COUNT hypervisors with their agents and fence devices.
#   lab/fleet.sh up COUNT | down | status
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/here.sh"
FLEET=$VAR/fleet

up() {
  if noted_process "$FLEET/pid" > /dev/null; then say "The simulated hosts are there."; return; fi
  mkdir -p "$FLEET"/{state,log}
  "$ROOT/lab/pki.sh" fleet
  sed -e "s|@VAR@|$VAR|g; s|@COUNT@|$1|g; s|@ADDRESS@|$LAB_LOOP.20|g" "$ROOT/lab/fleet.conf" > "$FLEET/fleet.conf"
  setsid dotnet "$VAR/bin/orchestrator.dll" --config "$FLEET/fleet.conf" >> "$FLEET/log/fleet.log" 2>&1 < /dev/null &
  note_process "$FLEET/pid" $!
  printf '%s\n' "$1" > "$FLEET/count"
  sleep 1
  noted_process "$FLEET/pid" > /dev/null || fail "The fleet ended: $(tail -n 5 "$FLEET/log/fleet.log")"
}

case ${1:-help} in
  up) up "$2";;
  down) end_process "$FLEET/pid" 10;;
  status) if noted_process "$FLEET/pid" > /dev/null; then say "$(cat "$FLEET/count") simulated hosts run."
          else say "No simulated hosts run."; fi;;
  *) say "lab/fleet.sh up COUNT | down | status";;
esac
