# Sourced: small functions around curl for the engine's REST API, in JSON. Any living node will do.
# shellcheck shell=bash

API_USER=admin@internal

# The first node that is healthy; fails when none is.
api_base() {
  local number
  for number in 1 2 3 4 5 6 7 8 9; do
    [[ -d $VAR/nodes/$number ]] || continue
    if curl --silent --fail --max-time 2 --cacert "$VAR/pki/ca.crt" --output /dev/null \
      "https://$(node_address $number):$REST_PORT/ovirt-engine/services/health"; then
      printf 'https://%s:%s/ovirt-engine\n' "$(node_address $number)" "$REST_PORT"; return
    fi
  done
  return 1
}

# log_in: sets API_BASE and API_TOKEN; the password travels through a file, not through the list of processes.
log_in() {
  API_BASE=$(api_base) || fail "No engine node answers."
  API_TOKEN=$(curl --silent --show-error --max-time 20 --cacert "$VAR/pki/ca.crt" "$API_BASE/sso/oauth/token" \
    --header 'Accept: application/json' --data grant_type=password --data scope=ovirt-app-api \
    --data-urlencode "username=$API_USER" \
    --data-urlencode password@<(tr -d '\n' < "$VAR/secrets/admin-password") | jq -r '.access_token // empty')
  [[ -n $API_TOKEN ]] || fail "The engine refuses the password in $VAR/secrets/admin-password."
}

# api METHOD PATH [JSON]: prints the answer's body; on an error status prints the fault to stderr and fails.
api() {
  local answer status body
  answer=$(printf 'header = "Authorization: Bearer %s"\n' "$API_TOKEN" |
    curl --silent --show-error --max-time 60 --cacert "$VAR/pki/ca.crt" --config - --request "$1" \
      --header 'Accept: application/json' ${3:+--header 'Content-Type: application/json' --data-binary "$3"} \
      --write-out '\n%{http_code}' "$API_BASE/api$2")
  status=${answer##*$'\n'}
  body=${answer%$'\n'*}
  if ((status >= 300)); then
    printf '%s %s: HTTP %s %s\n' "$1" "$2" "$status" "$(jq -r '.detail // .reason // .' <<< "$body" 2>/dev/null || echo "$body")" >&2
    return 1
  fi
  printf '%s\n' "$body"
}

# engine PATH: the engine's own view, GET /orchestrator/v1/PATH.
engine() {
  local answer status
  answer=$(printf 'header = "Authorization: Bearer %s"\n' "$API_TOKEN" |
    curl --silent --show-error --max-time 10 --cacert "$VAR/pki/ca.crt" --config - --write-out '\n%{http_code}' \
      "${API_BASE%/ovirt-engine}/orchestrator/v1/$1")
  status=${answer##*$'\n'}
  if ((status >= 300)); then
    printf '%s\n' "$(jq -r '.error // .' <<< "${answer%$'\n'*}" 2> /dev/null || printf '%s' "${answer%$'\n'*}")" >&2
    return 1
  fi
  printf '%s\n' "${answer%$'\n'*}"
}

# id_of COLLECTION KIND NAME: the id of the object with that name, or nothing.
id_of() { api GET "/$1" | jq -r --arg name "$3" ".\"$2\"[]? | select(.name == \$name) | .id"; }

# await_status PATH WANTED SECONDS WHAT
await_status() {
  local status='' limit=$((SECONDS + $3))
  until [[ $status == "$2" ]]; do
    ((SECONDS < limit)) || fail "$4 is $status, not $2, after $3 s."
    status=$(api GET "$1" | jq -r .status)
    [[ $status == "$2" ]] || sleep 0.5
  done
}
