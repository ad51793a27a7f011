#!/bin/sh
# Writes numbered records to /dev/vda for as long as the guest lives, and says so on the console: lab.write=1 runs it.
#   disk boot last=N life=L   at the start, all records read back: N of them; this is the guest's life L on this disk
#   disk N                    record N is on the disk: fsync came back before this line was written
#   disk ok last=N            read back past the caches: the last records up to N are as they must be
#   disk BAD WHAT             they are not
#   size N                    /dev/vda has N sectors: at the start, and whenever that changes
# Record N is the Nth sector and one line: number, life, checksum of both, filling, number. Lives never fall from one
# record to the next; sectors after the last record are empty.
DISK=/dev/vda

# check FIRST COUNT: reads COUNT sectors; prints "last life" of the whole records from FIRST on, or "BAD what".
check() {
  echo 1 > /proc/sys/vm/drop_caches
  dd if=$DISK bs=512 skip="$1" count="$2" 2> /dev/null | tr -d '\0' | awk -v at="$1" -v life="${3:-0}" '
    bad != "" {next}
    {
      sum = ($1 * 48271 + $2 * 7919) % 2147483647
      if (length($0) != 511) bad = "a torn record at sector " at ": " length($0) + 1 " bytes"
      else if ($1 != at) bad = "record " $1 " at sector " at
      else if ($3 != sum || $5 != $1) bad = "a broken record at sector " at
      else if ($2 < life) bad = "record " at " is of life " $2 ", after one of life " life
      life = $2; at++
    }
    END {if (bad != "") print "BAD " bad; else print at - 1, life}'
}

# look_through: sets last and life, chunk by chunk from sector 1; sector 0 is free.
look_through() {
  last=0 life=0
  while :; do
    found=$(check $((last + 1)) 2000 "$life")
    case $found in BAD*) echo "disk $found"; return 1;; esac
    before=$last; set -- $found; last=$1 life=$2
    [ $((last - before)) -eq 2000 ] || return 0
  done
}

write() {
  awk -v n="$1" -v life="$2" 'BEGIN {
    printf "%10d %6d %10d %s %10d\n", n, life, (n * 48271 + life * 7919) % 2147483647, substr(filling(), 1, 471), n
  }
  function filling(  s) {s = "x"; while (length(s) < 471) s = s s; return s}' |
    dd of=$DISK bs=512 seek="$1" conv=notrunc,fsync 2> /dev/null
}

look_through || exit 1
life=$((life + 1))
# The console may stand behind a prompt.
printf "\ndisk boot last=%d life=%d\n" "$last" "$life"
while :; do
  now=$(cat /sys/block/vda/size)
  [ "$now" = "$size" ] || echo "size $now"
  size=$now
  last=$((last + 1))
  write $last $life || { echo "disk BAD record $last cannot be written"; exit 1; }
  echo "disk $last"
  if [ $((last % 25)) -eq 0 ]; then
    first=$((last > 500 ? last - 500 : 1))
    found=$(check $first $((last - first + 100)))
    case $found in
      BAD*) echo "disk $found"; exit 1;;
      "$last $life") echo "disk ok last=$last";;
      *) echo "disk BAD the last record on the disk is $found, not $last of life $life"; exit 1;;
    esac
  fi
  usleep 50000
done
