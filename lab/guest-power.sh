#!/bin/sh
# The power button of the test guest: an orderly shutdown.
echo POWERBTN > /dev/console
sync
umount /mnt 2>/dev/null
poweroff -f
