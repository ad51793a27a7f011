#!/bin/sh
# /init of the test guest. The marker LABUP on the serial console says that it is up.
export PATH=/bin:/sbin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/virtio-ports
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run

for argument in $(cat /proc/cmdline); do
  case $argument in lab.*=*) export "${argument#lab.}" 2>/dev/null;; esac
done
while read -r module; do insmod "/lib/modules/$module.ko" 2>/dev/null; done < /lib/modules/order
hostname "${host:-guest}"
ip link set lo up

# The port appears a moment after its module, later on a busy machine.
agent=/dev/virtio-ports/org.qemu.guest_agent.0
(
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    for port in /sys/class/virtio-ports/*; do
      [ -f "$port/name" ] && ln -sf "/dev/${port##*/}" "/dev/virtio-ports/$(cat "$port/name")"
    done
    if [ -e $agent ]; then
      exec qemu-ga --daemonize --method virtio-serial --path $agent --statedir /run --pidfile /run/agent.pid
    fi
    sleep 0.5
  done
) &

if [ -d /sys/class/net/eth0 ]; then
  ip link set eth0 up
  [ -n "$ip" ] && ip addr add "$ip" dev eth0
  [ -n "$dhcp" ] && udhcpc -i eth0 -b -t 30 -T 1 -S -s /etc/dhcp >/dev/null 2>&1 &
fi
if [ -n "$mnt" ] && [ -b /dev/vda ]; then
  mount -t ext4 /dev/vda /mnt 2>/dev/null || { mke2fs -q /dev/vda; mount /dev/vda /mnt; }
fi
[ -e /dev/watchdog ] && [ -n "$wd" ] && watchdog -T 10 -t 3 -F /dev/watchdog &

read -r uptime rest < /proc/uptime
echo "LABUP uptime=$uptime host=$(hostname) kernel=$(uname -r) cpus=$(nproc)"
[ -n "$off" ] && poweroff -f

[ -n "$write" ] && /etc/writer &
[ -n "$tick" ] && (
  count=0
  while :; do count=$((count + 1)); read -r now rest < /proc/uptime; echo "tick $count $now"; sleep "$tick"; done
) &
[ -n "$dirty" ] && (while :; do dd if=/dev/urandom of=/tmp/dirty bs=1M count="$dirty" 2>/dev/null; done) &

# What udev does in a full system: processors and memory that were added at run time are switched on.
(
  while :; do
    for file in /sys/devices/system/cpu/cpu*/online; do
      [ "$(cat "$file")" = 0 ] && echo 1 > "$file"
    done
    for file in /sys/devices/system/memory/memory*/state; do
      [ "$(cat "$file")" = offline ] && echo online > "$file"
    done
    sleep 5
  done
) 2>/dev/null &
acpid -f 2>/dev/null &
while :; do setsid cttyhack sh -l; sleep 1; done
