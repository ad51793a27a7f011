#!/usr/bin/python3
"""What virt-viewer does with libgovirt, step by step: each step prints one line, "step: what was seen".

govirt.py ADDRESS:PORT CA-FILE USER PASSWORD-FILE VM

Left out because libgovirt 0.3.9 cannot do it with oVirt's API v4 either: pools (it expects "vmpools" where oVirt says
"vm_pools"), and a wrong password (librest 0.9 crashes on the second 401).
"""
import sys
import time

import gi

gi.require_version("GoVirt", "1.0")
from gi.repository import GLib, GoVirt  # noqa: E402

PATIENCE_SECONDS = 60


def step(name, seen):
    print(f"{name}: {seen}", flush=True)


def proxy(address, ca, user, password):
    made = GoVirt.Proxy.new(address)
    made.props.ssl_ca_file = ca
    made.props.admin = True
    made.props.username = user
    made.props.password = password
    return made


def refused(action):
    try:
        action()
    except GLib.Error as error:
        return error.message
    return "NOT REFUSED"


def until(wanted, proxy, vm):
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        vm.refresh(proxy)
        if vm.props.state == wanted:
            return True
        time.sleep(0.3)
    return False


def fetch(collection, proxy):
    collection.fetch(proxy)
    return collection.get_resources()


def main(address, ca, user, password_file, name):
    with open(password_file, encoding="utf-8") as file:
        password = file.read().strip()

    engine = proxy(address, ca, user, password)
    api = engine.fetch_api()
    step("logged in", api is not None)
    step("VMs", ", ".join(sorted(fetch(api.get_vms(), engine))))
    step("hosts", ", ".join(sorted(fetch(api.get_hosts(), engine))))
    step("clusters", ", ".join(sorted(fetch(api.get_clusters(), engine))))
    step("data centers", ", ".join(sorted(fetch(api.get_data_centers(), engine))))
    step("storage domains", ", ".join(sorted(fetch(api.get_storage_domains(), engine))))

    found = fetch(api.search_vms(f"name={name}"), engine)
    step("found", ", ".join(found))
    vm = found[name]
    step("host before", vm.get_host())
    step("cluster", vm.get_cluster().props.guid)
    step("CD drives", len(fetch(vm.get_cdroms(), engine)))
    step("before", vm.props.state.value_nick)

    step("start", vm.start(engine))
    step("up", until(GoVirt.VmState.UP, engine, vm))
    step("start again", refused(lambda: vm.start(engine)))

    vm = fetch(api.search_vms(f"name={name}"), engine)[name]
    step("ticket", vm.get_ticket(engine))
    display = vm.props.display
    step("screen", f"{display.props.type.value_nick} {display.props.address} {display.props.port}")
    step("password", display.props.ticket)

    step("stop", vm.stop(engine))
    step("down", until(GoVirt.VmState.DOWN, engine, vm))


main(*sys.argv[1:])
