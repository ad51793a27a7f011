#!/bin/bash
# host.sh up BASE PREFIX N | down BASE PREFIX N | libvirtd BASE PREFIX N | frozen BASE PREFIX N: a hypervisor host in namespaces of its own.
# Its libvirt socket is BASE/N/run/libvirt/libvirt-sock, its addresses are 10.79.0.N and, on a line for migrations, 10.78.0.N.
# Each has a virtlockd, whose locks are in BASE/shared/locks, unless NO_LOCKS is set.
# "came BASE PREFIX N LINE": the bytes that have come in by eth0 or eth1.
# "down" is a power cut: everything in the host dies at once. "libvirtd" kills and starts its libvirtd alone,
# "frozen" has it stand still until then. "kill BASE PREFIX N NAME" kills a QEMU, "time"
# tells a guest's time. "apart BASE PREFIX N FILE" gives the host a file of its own under that name, "together" ends that.
set -e
verb=$1; base=$2; prefix=$3; n=$4; home=$base/$n; switch=${prefix}sw; cgroups="cpu cpuacct cpuset memory devices freezer blkio pids"
inside() { nsenter -t "$(cat "$home/pid")" -m -n -u -i -C -p "$@"; }
network() {
  ip netns list | grep -qw "$switch" || { ip netns add "$switch"; ip -n "$switch" link add br0 type bridge; ip -n "$switch" link set br0 up; }
  ip netns add "$prefix$n"; ip -n "$prefix$n" link set lo up
  ip -n "$prefix$n" link add eth0 type veth peer name "p$n" netns "$switch"; ip -n "$switch" link set "p$n" master br0 up
  ip -n "$prefix$n" addr add "10.79.0.$n/24" dev eth0; ip -n "$prefix$n" link set eth0 up
  ip -n "$switch" link show br1 > /dev/null 2>&1 || { ip -n "$switch" link add br1 type bridge; ip -n "$switch" link set br1 up; }
  ip -n "$prefix$n" link add eth1 type veth peer name "m$n" netns "$switch"; ip -n "$switch" link set "m$n" master br1 up
  ip -n "$prefix$n" addr add "10.78.0.$n/24" dev eth1; ip -n "$prefix$n" link set eth1 up
  ip -n "$prefix$n" link add vmbr0 type bridge; ip -n "$prefix$n" link set vmbr0 up
}
up() {
  mkdir -p "$home"/{run,lib,log/qemu,cache}; rm -rf "${home:?}/run/"*
  mkdir -p "$home/etc"; cp -a /etc/libvirt/. "$home/etc/"; rm -f "$home"/etc/qemu/networks/autostart/*
  network
  cat > "$home/etc/libvirtd.conf" <<X
listen_tls = 0
listen_tcp = 1
listen_addr = "0.0.0.0"
auth_tcp = "none"
auth_unix_rw = "none"
host_uuid = "$(printf '00000000-0000-4000-8000-%012d' "$n")"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
X
  printf 'security_driver = "none"\nuser = "root"\ngroup = "root"\n' > "$home/etc/qemu.conf"
  if [ -z "$NO_LOCKS" ]; then
    echo 'lock_manager = "lockd"' >> "$home/etc/qemu.conf"
    mkdir -p "$base/shared/locks"
    printf 'auto_disk_leases = 1\nrequire_lease_for_disks = 1\nfile_lockspace_dir = "%s"\n' "$base/shared/locks" > "$home/etc/qemu-lockd.conf"
  fi
  for c in $cgroups; do mkdir -p "/sys/fs/cgroup/$c/$prefix$n"; done
  for f in cpus mems; do cat "/sys/fs/cgroup/cpuset/cpuset.$f" > "/sys/fs/cgroup/cpuset/$prefix$n/cpuset.$f"; done
  cat > "$home/init.sh" <<X
mount --make-rshared /; hostname $prefix$n; mount -t proc proc /proc
umount -R /sys; mount -t sysfs sysfs /sys; mount -t tmpfs cg /sys/fs/cgroup
for c in $cgroups; do mkdir /sys/fs/cgroup/\$c; mount -t cgroup -o \$c cgroup /sys/fs/cgroup/\$c; done
mount --bind $home/run /run; mkdir -p /run/lock /run/libvirt
mount --bind $home/lib /var/lib/libvirt; mount --bind $home/etc /etc/libvirt
mount --bind $home/log /var/log/libvirt; mount --bind $home/cache /var/cache/libvirt
virtlogd -d; [ -n "$NO_LOCKS" ] || virtlockd -d
libvirtd -l -d
while :; do sleep 3600 & wait \$!; done
X
  cat > "$home/start.sh" <<X
for c in $cgroups; do echo \$\$ > /sys/fs/cgroup/\$c/$prefix$n/cgroup.procs; done
exec nsenter --net=/run/netns/$prefix$n unshare --mount --uts --ipc --cgroup --pid --fork --kill-child --propagation private bash $home/init.sh
X
  setsid bash "$home/start.sh" > "$home/out.log" 2>&1 < /dev/null & launcher=$!
  for _ in $(seq 100); do init=$(pgrep -P "$launcher" || true); [ -n "$init" ] && break; sleep 0.05; done
  echo "$init" > "$home/pid"
  for _ in $(seq 200); do inside virsh -q uri > /dev/null 2>&1 && return; sleep 0.1; done
  echo "libvirtd of host $n did not come up; see $home/log" >&2; return 1
}
down() {
  [ -f "$home/pid" ] && kill -9 "$(cat "$home/pid")" 2> /dev/null || true
  ip netns del "$prefix$n" 2> /dev/null || true
  for _ in $(seq 50); do [ -d "/proc/$(cat "$home/pid" 2> /dev/null || echo none)" ] || break; sleep 0.1; done
  for c in $cgroups; do find "/sys/fs/cgroup/$c/$prefix$n" -depth -type d -exec rmdir {} \; 2> /dev/null || true; done
  ip netns list | grep -q "^$prefix[0-9]" || ip netns del "$switch" 2> /dev/null || true
}
case $verb in
  up) up;;
  down) down;;
  frozen) inside bash -c 'kill -STOP $(cat /run/libvirtd.pid)';;
  libvirtd) inside bash -c 'kill -9 $(cat /run/libvirtd.pid); sleep 0.5; libvirtd -l -d';;
  time) inside virsh -q domtime "$5";;
  apart) inside bash -c 'cp "$0" "$0.apart"; mount --bind "$0.apart" "$0"' "$5";;
  together) inside umount "$5";;
  kill) inside pkill -9 -f "guest=.*$5";;
  xml) inside virsh -q dumpxml "$5";;
  came) ip netns exec "$prefix$n" cat "/sys/class/net/$5/statistics/rx_bytes";;
  qemu) inside pgrep -c -f "guest=.*$5" || true;;
esac
