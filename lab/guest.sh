#!/usr/bin/env bash
# Builds the small test guest (var/guest/vmlinuz and initrd) out of Debian's kernel, busybox and guest agent, and
# finds out by booting it whether KVM works here (var/guest/accelerator: kvm or tcg).
#
# Kernel arguments the guest understands:
#   lab.host=NAME   lab.ip=ADDRESS/PREFIX   lab.dhcp=1
#   lab.mnt=1       formats /dev/vda if needed and mounts it on /mnt
#   lab.tick=S      a line every S seconds on the console
#   lab.dirty=MB    rewrites that much memory for ever (for migrations)
#   lab.write=1     writes numbered records to /dev/vda and reads them back (guest-writer.sh)
#   lab.wd=1        feeds /dev/watchdog          lab.off=1  powers off when it is up
# When it is up it prints on the serial console: LABUP uptime=SECONDS ...
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/here.sh"

GUEST=$VAR/guest
MODULES=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk failover net_failover
  virtio_net virtio_console virtio_balloon rng-core virtio-rng button pvpanic pvpanic-pci pvpanic-mmio virtio_mem
  i6300esb evdev)
PROBE_SECONDS=20

newest_kernel() {
  local image
  image=$(find /boot -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -n 1)
  [[ -n $image ]] || image=$(find /boot -name 'vmlinuz-*' | sort -V | tail -n 1)
  [[ -n $image ]] || fail "There is no kernel in /boot. Run lab/packages.sh."
  printf '%s\n' "${image#/boot/vmlinuz-}"
}

copy_program() {
  local library
  install -D "$1" "$tree$1"
  ldd "$1" 2> /dev/null | grep -oE '/[^ ]+' | while read -r library; do
    install -D "$(readlink -f "$library")" "$tree$library"
  done
}

copy_modules() {
  local name file
  for name in "${MODULES[@]}"; do
    file=$(find "/lib/modules/$1" -name "$name.ko*" | head -n 1)
    [[ -n $file ]] || continue
    case $file in
      *.xz) xz -dc "$file" > "$tree/lib/modules/$name.ko";;
      *) cp "$file" "$tree/lib/modules/$name.ko";;
    esac
    strip --strip-debug "$tree/lib/modules/$name.ko" 2> /dev/null || true
    printf '%s\n' "$name" >> "$tree/lib/modules/order"
  done
}

build_tree() {
  mkdir -p "$tree"/{bin,sbin,usr/sbin,proc,sys,dev,run,tmp,etc/acpi/PWRF,mnt,lib/modules,var/run,var/log,usr/var/run,root}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  local applet
  for applet in $(busybox --list); do [[ $applet == busybox ]] || ln -s busybox "$tree/bin/$applet"; done
  copy_program /usr/sbin/qemu-ga
  copy_modules "$1"
  cp "$ROOT/lab/guest-init.sh" "$tree/init"
  cp "$ROOT/lab/guest-dhcp.sh" "$tree/etc/dhcp"
  cp "$ROOT/lab/guest-writer.sh" "$tree/etc/writer"
  cp "$ROOT/lab/guest-power.sh" "$tree/etc/acpi/PWRF/00000080"
  chmod +x "$tree"/{init,etc/dhcp,etc/writer,etc/acpi/PWRF/00000080}
}

build() {
  local kernel; kernel=$(newest_kernel)
  if [[ -s $GUEST/initrd.gz && $(cat "$GUEST/built-from" 2> /dev/null) == "$(fingerprint "$kernel")" ]]; then
    say "The guest is built."; return
  fi
  mkdir -p "$GUEST"
  tree=$(mktemp -d)
  trap 'rm -rf "$tree"' EXIT
  build_tree "$kernel"
  (cd "$tree" && find . | cpio --create --format=newc --owner=0:0 --quiet | gzip -1) > "$GUEST/initrd.gz"
  cp "/boot/vmlinuz-$kernel" "$GUEST/vmlinuz"
  chmod 644 "$GUEST"/{vmlinuz,initrd.gz}
  fingerprint "$kernel" > "$GUEST/built-from"
  say "Guest built: kernel $kernel, initrd of $(($(stat -c %s "$GUEST/initrd.gz") / 1024)) KiB."
}
fingerprint() { { echo "$1"; cat "$ROOT"/lab/guest*.sh; } | sha1sum; }

# boot ACCELERATOR SECONDS: boots one throw-away guest; prints the LABUP line, fails when the time is over.
boot() {
  local console qemu result=1 end=$((SECONDS + $2))
  console=$(mktemp)
  qemu-system-x86_64 -machine q35,accel="$1" -m 128 -nodefaults -display none -no-reboot -serial file:"$console" \
    -kernel "$GUEST/vmlinuz" -initrd "$GUEST/initrd.gz" -append "console=ttyS0 quiet panic=-1 lab.host=probe" \
    > /dev/null 2>&1 < /dev/null &
  qemu=$!
  while kill -0 "$qemu" 2> /dev/null && ((SECONDS <= end)); do
    if grep --text LABUP "$console"; then result=0; break; fi
    sleep 0.2
  done
  kill -9 "$qemu" 2> /dev/null || true
  wait "$qemu" 2> /dev/null || true
  rm -f "$console"
  return $result
}

probe() {
  if [[ -s $GUEST/accelerator ]]; then say "Guests run under $(cat "$GUEST/accelerator")."; return; fi
  if [[ -w /dev/kvm ]] && boot kvm "$PROBE_SECONDS" > /dev/null; then echo kvm > "$GUEST/accelerator"
  else echo tcg > "$GUEST/accelerator"; fi
  case $(cat "$GUEST/accelerator") in
    kvm) say "A probe guest booted under KVM; guests run under it.";;
    tcg) say "No guest boots under KVM within $PROBE_SECONDS s here; guests run under TCG (emulated, slower).";;
  esac
}

case ${1:-help} in
  build) build;;
  probe) probe;;
  up) build; probe;;
  boot) boot "${2:-tcg}" "${3:-60}";;
  *) say "lab/guest.sh build | probe | up (both) | boot [kvm|tcg] [SECONDS]";;
esac
