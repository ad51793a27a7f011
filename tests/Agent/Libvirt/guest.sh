#!/bin/bash
# guest.sh FOLDER: builds FOLDER/{vmlinuz,initrd.gz}, a guest of this machine's own kernel, busybox and qemu-ga.
# It prints LABUP on its console when it is up, obeys the power button, dirties memory with lab.dirty=MiB, and writes to its
# disk what guest-writer.sh says with lab.write=1. With lab.hears=1 it says back each line that its console is told,
# with lab.cd=1 it says each second what its CD begins with, with lab.facts=1 what its machine is and what is on its CDs.
set -e
out=$1; kernel=$(ls /boot/vmlinuz-*-cloud-amd64 | sort -V | tail -1); version=${kernel#/boot/vmlinuz-}
mkdir -p "$out"; root=$(mktemp -d); trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,sbin,usr/sbin,proc,sys,dev,run,tmp,etc/acpi/PWRF,modules,var/run,var/log,usr/var/run}
cp /bin/busybox "$root/bin/"; for a in $(busybox --list); do [ "$a" = busybox ] || ln -sf busybox "$root/bin/$a"; done
ln -s ../bin/busybox "$root/sbin/hwclock" # without it qemu-ga sets no time
cp /usr/sbin/qemu-ga "$root/usr/sbin/"
ldd /usr/sbin/qemu-ga | grep -oE '/[^ ]+' | while read -r lib; do
  mkdir -p "$root$(dirname "$lib")"; cp -Ln "$lib" "$root$lib" || true; done
for m in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk failover net_failover \
         virtio_net virtio_console virtio_balloon rng-core virtio-rng button evdev scsi_common scsi_mod libata ata_piix cdrom sr_mod isofs; do
  f=$(find "/lib/modules/$version" -name "$m.ko" | head -1)
  [ -n "$f" ] && cp "$f" "$root/modules/" && echo "$m" >> "$root/modules/order"; done
install -m 755 "$(dirname "$0")/guest-writer.sh" "$root/bin/guest-writer"
cat > "$root/init" <<'X'
#!/bin/sh
export PATH=/bin:/sbin:/usr/sbin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmpfs /run
while read m; do insmod /modules/$m.ko 2>/dev/null; done < /modules/order
for a in $(cat /proc/cmdline); do case $a in lab.*) eval "${a#lab.}";; esac; done
ip link set lo up; [ -d /sys/class/net/eth0 ] && ip link set eth0 up && [ -n "$ip" ] && ip addr add $ip dev eth0
mkdir -p /dev/virtio-ports
for p in /sys/class/virtio-ports/*; do [ -f $p/name ] && ln -sf /dev/$(basename $p) /dev/virtio-ports/$(cat $p/name); done
if [ -n "$facts" ]; then
  echo "FACT serial $(cat /sys/class/dmi/id/product_serial)"
  echo "FACT maker $(cat /sys/class/dmi/id/sys_vendor)"
  echo "FACT cpu $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2)"
  echo "FACT nodes $(ls -d /sys/devices/system/node/node[0-9]* | wc -l) cpus of the second $(cat /sys/devices/system/node/node1/cpulist 2>/dev/null)"
  echo "FACT rng $(cat /sys/class/misc/hw_random/rng_current)"
  echo "FACT tpm $(ls /sys/class/tpm 2>/dev/null)"
  echo "FACT efi $([ -d /sys/firmware/efi ] && echo yes)"
  echo "FACT queues $(ls -d /sys/class/net/eth0/queues/rx-* 2>/dev/null | wc -l)"
  for cd in /dev/sr*; do
    mkdir -p /mnt; mount -t iso9660 -o ro "$cd" /mnt 2>/dev/null || continue
    (cd /mnt; find . -type f | sort | while read f; do echo "FILE $f $(tr '\n' '|' < "$f")"; done)
    umount /mnt
  done
fi
printf '#!/bin/sh\npoweroff -f\n' > /etc/acpi/PWRF/00000080; chmod +x /etc/acpi/PWRF/00000080
acpid -f &
qemu-ga -d -m virtio-serial -p /dev/virtio-ports/org.qemu.guest_agent.0 -t /run -f /run/qga.pid
echo "LABUP $(uname -r)"
[ -n "$write" ] && guest-writer &
[ -n "$cd" ] && while sleep 1; do echo "CD $(dd if=/dev/sr0 bs=2048 count=1 2>/dev/null | tr -d '\0')."; done &
[ -n "$hears" ] && { while read line; do echo "HEARD $line"; done < /dev/ttyS0 > /dev/ttyS0; } &
[ -n "$dirty" ] && while :; do dd if=/dev/urandom of=/tmp/d bs=1M count=$dirty 2>/dev/null; done
while :; do sleep 3600; done
X
chmod +x "$root/init"; (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) > "$out/initrd.gz.new"
cp "$kernel" "$out/vmlinuz"; mv "$out/initrd.gz.new" "$out/initrd.gz"
