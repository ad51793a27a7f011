#!/bin/sh
# The power button of the test guest: an orderly shutdown.
echo POWERBTN > /dev/console
# Who still writes while the disk is being taken away would report a broken one.
killall -9 writer dd 2>/dev/null
sync
umount /mnt 2>/dev/null
poweroff -f
