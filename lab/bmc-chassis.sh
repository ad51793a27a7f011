#!/bin/sh
# What the BMC's power button is wired to. Called by ipmi_sim:
#   bmc-chassis.sh HOST get|set power|reset|boot|... [VALUE]
# Runs in the switch's network namespace; everything else is the machine's own view.
host=$1
hosts=$(dirname "$0")/hosts.sh
log=$ORCHESTRATOR_VAR/bmc/$host/chassis.log

is_on() {
  [ -r "$ORCHESTRATOR_VAR/hosts/$host/init.pid" ] || return 1
  read -r pid stamp < "$ORCHESTRATOR_VAR/hosts/$host/init.pid" || return 1
  [ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20)" = "$stamp" ]
}
note() { echo "$(date -u +%FT%T.%3NZ) $*" >> "$log"; }
power_on() { setsid "$hosts" on "$host" >> "$log" 2>&1 < /dev/null & }

case "$2 $3 $4" in
  "get power "*) if is_on; then state=1; else state=0; fi; note "power asked: $state"; echo "power:$state";;
  "set power 0") note "power off asked"; if is_on; then "$hosts" off "$host" >> "$log" 2>&1; fi; note "power is off";;
  "set power 1") note "power on asked"; if ! is_on; then power_on; fi;;
  "set reset "*) note "reset asked"; "$hosts" off "$host" >> "$log" 2>&1; power_on;;
  "set shutdown "*) note "soft off asked"; "$hosts" off "$host" >> "$log" 2>&1;;
  "get boot "*) echo boot:default;;
esac
exit 0
