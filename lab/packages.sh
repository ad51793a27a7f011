#!/usr/bin/env bash
# Installs what the laboratory needs and this machine lacks. Debian packages only; nothing that is there is touched.
# Returns 2 where real hosts cannot be had (no root, no apt); the caller then takes simulated hosts.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/here.sh"

PACKAGES=(postgresql-15 libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-utils fence-agents openipmi
  ipmitool iproute2 nftables linux-image-cloud-amd64 busybox-static cpio acpid qemu-guest-agent jq curl procps
  util-linux openssl)

# packages.sh tests: also what only tests use. A test that misses one of them is skipped, and says so.
TEST_PACKAGES=(swtpm swtpm-tools ovmf virt-viewer gir1.2-govirt-1.0 python3-gi glib-networking xvfb xdotool slapd ldap-utils)
if [[ ${1:-} == tests ]]; then PACKAGES+=("${TEST_PACKAGES[@]}"); fi

# fence-agents is a collection in some releases; the one program that counts is asked for by name.
missing() {
  local package
  for package in "${PACKAGES[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s\n' "$package"
  done
}

# No package may start a server of its own here: the laboratory runs private ones.
without_services() {
  local policy=/usr/sbin/policy-rc.d ours=no result=0
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy && ours=yes
  fi
  mkdir -p /etc/postgresql-common
  [[ -e /etc/postgresql-common/createcluster.conf ]] ||
    printf 'create_main_cluster = false\n' > /etc/postgresql-common/createcluster.conf
  "$@" || result=$?
  if [[ $ours == yes ]]; then rm -f $policy; fi
  return $result
}

install() {
  export DEBIAN_FRONTEND=noninteractive
  local get=(apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -qq -y) log=$VAR/log/packages.log
  mkdir -p "$VAR/log"
  without_services "${get[@]}" --no-install-recommends install "$@" > "$log" 2>&1 && return
  say "apt-get could not install at once; refreshing its lists and trying again."
  "${get[@]}" update >> "$log" 2>&1 || true
  without_services "${get[@]}" --no-install-recommends install "$@" >> "$log" 2>&1 && return
  tail -n 5 "$log" >&2
  fail "apt-get could not install: $*. The whole story is in $log."
}

if ! command -v dotnet > /dev/null; then
  fail "The .NET SDK is missing. Install version 10 or newer (https://dot.net) and run this again."
fi
if ! command -v dpkg-query > /dev/null; then
  say "This machine has no dpkg: packages must be installed by hand (${PACKAGES[*]})."; exit 2
fi
mapfile -t lacking < <(missing)
if ((${#lacking[@]} == 0)); then say "All Debian packages are there."; exit 0; fi
if ((EUID != 0)); then say "Missing packages: ${lacking[*]}. Only root can install them."; exit 2; fi
if ! command -v apt-get > /dev/null; then say "Missing packages: ${lacking[*]}. There is no apt-get."; exit 2; fi
say "Installing ${#lacking[@]} Debian packages: ${lacking[*]}."
install "${lacking[@]}"
say "Installed in $SECONDS s."
