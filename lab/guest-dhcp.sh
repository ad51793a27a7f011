#!/bin/sh
# Called by udhcpc in the test guest.
case "$1" in
  bound | renew)
    ifconfig "$interface" "$ip" netmask "${subnet:-255.255.255.0}"
    [ -n "$router" ] && route add default gw "$router"
    echo "DHCP $interface $ip"
    ;;
esac
