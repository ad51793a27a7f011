#!/usr/bin/env bash
# Certificates of this installation's own CA, in var/pki (mode 0600). What is there stays.
#   lab/pki.sh node N... | host N... | fleet | renew NAME...
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/here.sh"

pki() { dotnet "$VAR/bin/orchestrator.dll" pki "$@"; }

# issue NAME ROLE ADDRESSES
issue() {
  [[ -s $VAR/pki/$1.crt ]] || pki issue --dir "$VAR/pki" --name "$1" --role "$2" --address "$3"
}

mkdir -p "$VAR/pki"
chmod 700 "$VAR/pki"
[[ -s $VAR/pki/ca.crt ]] || pki ca --dir "$VAR/pki"
what=$1; shift
case $what in
  node) for number in "$@"; do issue "node$number" engine "$(node_address "$number"),localhost"; done;;
  host) for number in "$@"; do issue "host$number" agent "$LAB_NET.$number,host$number"; done;;
  renew) for name in "$@"; do pki renew --dir "$VAR/pki" --name "$name"; done;;
  fleet) issue fleet agent "$LAB_LOOP.20,fleet";;
esac
