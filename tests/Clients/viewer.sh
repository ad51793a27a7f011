#!/usr/bin/env bash
# Opens a connection file with virt-viewer's remote-viewer on a screen that nobody sees.
#   viewer.sh FILE TITLE SECONDS
# Prints "shown" when the window has that title and the screen is there, else what the viewer said; leaves nothing behind.
set -uo pipefail
file=$1 title=$2 end=$((SECONDS + $3))
work=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null; wait 2> /dev/null; rm -rf "$work"' EXIT

Xvfb -displayfd 3 -screen 0 800x600x24 -nolisten tcp 3> "$work/display" 2> "$work/x.log" &
while [[ ! -s $work/display ]]; do
  ((SECONDS < end)) || { echo "no X server: $(tail -n 3 "$work/x.log")"; exit 1; }
  sleep 0.2
done
DISPLAY=:$(< "$work/display")
export DISPLAY HOME=$work XDG_RUNTIME_DIR=$work GDK_BACKEND=x11 NO_AT_BRIDGE=1

remote-viewer --debug "$file" > "$work/viewer.log" 2>&1 &
while ((SECONDS < end)); do
  # The second line comes when the server has let the viewer in and told its size.
  if xdotool search --name "^$title" > /dev/null 2>&1 && grep -q "VNC does not provide GUID" "$work/viewer.log"; then
    echo shown; exit 0
  fi
  sleep 0.3
done
echo "not shown in $3 s"
sed 's/^(.*): virt-viewer-DEBUG: //' "$work/viewer.log" | tail -n 15
exit 1
