#!/usr/bin/env bash
# Tells the engine, over REST, of the hosts with their fence devices and of the shared storage folder.
# What is there already stays.   lab/register.sh hosts N... | fleet COUNT | storage
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/here.sh"
. "$ROOT/lab/rest.sh"

# add_host NAME ADDRESS PREFIX FENCE-AGENT: prints the id
add_host() {
  local id
  id=$(id_of hosts host "$1")
  if [[ -z $id ]]; then
    id=$(api POST /hosts "$(jq -n --arg name "$1" --arg address "$2" --arg port "$AGENT_PORT" --arg prefix "$3" '
      {name: $name, address: $address, port: $port, cluster: {name: "Default"}, power_management: {enabled: "true"}}
      + (if $prefix == "" then {} else {path_prefix: $prefix} end)')" | jq -r .id)
    api POST "/hosts/$id/fenceagents" "$4" > /dev/null
  fi
  printf '%s\n' "$id"
}

# cipher=3: ipmi_sim does not answer the question which cipher suites it has, and ipmitool waits 10 s for that.
# power_wait=0: the BMC answers when the host is dead, so nothing is gained by fence_ipmilan's pause of 2 s.
bmc_of() {
  jq -n --arg address "$LAB_SWITCH" --arg port "$((9000 + $1))" --rawfile password "$VAR/secrets/bmc-password" '
    {type: "ipmilan", address: $address, port: $port, username: "admin", password: ($password | rtrimstr("\n")),
     order: "1", options: {option: [{name: "lanplus", value: "1"}, {name: "cipher", value: "3"},
       {name: "power_wait", value: "0"}]}}'
}

hosts() {
  local number ids=()
  for number in "$@"; do ids+=("$(add_host "host$number" "$LAB_NET.$number" "" "$(bmc_of "$number")")"); done
  for number in "${ids[@]}"; do await_status "/hosts/$number" up 60 "A host"; done
}

# All simulated hosts share one listener and are told apart by the path; the fleet plays their fence devices too.
fleet() {
  local number ids=()
  for number in $(seq "$1"); do
    ids+=("$(add_host "sim$number" "$LAB_LOOP.20" "/hosts/$number" "$(jq -n --arg address "$LAB_LOOP.20" \
      --arg plug "$number" '{type: "simulated", address: $address, port: "54320", order: "1",
      options: {option: [{name: "plug", value: $plug}]}}')")")
  done
  for number in "${ids[@]}"; do await_status "/hosts/$number" up 60 "A simulated host"; done
}

storage() {
  local id center host
  [[ -z $(id_of storagedomains storage_domain shared) ]] || return 0
  center=$(id_of datacenters data_center Default)
  host=$(api GET /hosts | jq -r '[.host[]? | select(.status == "up")][0].name // empty')
  [[ -n $host ]] || fail "No host is up to prepare the storage."
  mkdir -p "$VAR/shared"
  id=$(api POST /storagedomains "$(jq -n --arg path "$VAR/shared" --arg host "$host" '{name: "shared", type: "data",
    host: {name: $host}, storage: {type: "posixfs", path: $path, vfs_type: "none"}}')" | jq -r .id)
  await_status "/storagedomains/$id" unattached 60 "The storage domain"
  api POST "/datacenters/$center/storagedomains" "$(jq -n --arg id "$id" '{id: $id}')" > /dev/null
  await_status "/datacenters/$center/storagedomains/$id" active 60 "The storage domain"
}

log_in
action=$1; shift
case $action in
  hosts) hosts "$@";;
  fleet) fleet "$1";;
  storage) storage;;
esac
