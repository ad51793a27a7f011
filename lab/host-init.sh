#!/usr/bin/env bash
# The first process of a laboratory host: called by hosts.sh inside fresh namespaces, never by hand.
# It is process 1 there; when it is killed the kernel kills everything else on that host: a power cut.
#   host-init.sh NUMBER
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/here.sh"
number=$1 host=$VAR/hosts/$1

own_system_view() {
  mount --make-rshared /
  hostname "host$number"
  mount -t proc proc /proc
  umount -R /sys
  mount -t sysfs sysfs /sys
  cat /proc/sys/kernel/random/uuid > "$host/boot_id"    # a boot has its own id, as on a real machine
  mount --bind "$host/boot_id" /proc/sys/kernel/random/boot_id
}

own_cgroups() {
  local controller
  if [[ ${CGROUPS_VERSION:?} == 2 ]]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mkdir -p /sys/fs/cgroup/init
    echo $$ > /sys/fs/cgroup/init/cgroup.procs
    return
  fi
  mount -t tmpfs cgroups /sys/fs/cgroup
  for controller in ${CGROUP_CONTROLLERS:?}; do
    mkdir "/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller"
  done
}

own_folders() {
  mount --bind "$host/run" /run
  mkdir -p /run/lock /run/libvirt /run/netns
  mkdir -p /var/lib/libvirt /var/log/libvirt /var/cache/libvirt
  mount --bind "$host/etc-hosts" /etc/hosts
  mount --bind "$host/machine-id" /etc/machine-id
  mount --bind "$host/libvirt-etc" /etc/libvirt
  mount --bind "$host/libvirt-lib" /var/lib/libvirt
  mount --bind "$host/libvirt-cache" /var/cache/libvirt
  mount --bind "$host/log" /var/log/libvirt
}

# As a service manager does; guests outlive it. libvirtd's own pid file is left behind by kill -9, so ours is beside it.
keep_libvirt() {
  while :; do
    libvirtd --listen &
    echo $! > /run/lab-libvirtd.pid
    wait $! || echo "$? was libvirtd's end at $(date -u +%FT%T.%3NZ); it is started again"
    sleep 0.3
  done
}

# Starts the agent and starts it again whenever it ends; /run/agent.hold keeps it stopped. It goes before the guests, as
# oVirt's does: a host full of busy guests must not look dead.
keep_agent() {
  export DOTNET_gcServer=0 DOTNET_TieredPGO=0 DOTNET_CLI_TELEMETRY_OPTOUT=1 HOME=${HOME:-/root}
  cd "$host/state"
  while :; do
    if [[ ! -e /run/agent.hold && -r $host/agent.conf && -r $VAR/bin/orchestrator.dll ]]; then
      nice -n -20 dotnet "$VAR/bin/orchestrator.dll" --config "$host/agent.conf" >> "$host/log/agent.log" 2>&1 < /dev/null &
      echo $! > /run/agent.pid
      wait $! || echo "$? was the agent's end at $(date -u +%FT%T.%3NZ); it is started again" >> "$host/log/agent.log"
      rm -f /run/agent.pid
    fi
    sleep 0.3
  done
}

own_system_view
own_cgroups
own_folders
virtlogd --daemon
keep_libvirt &
keep_agent
