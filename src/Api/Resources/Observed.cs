using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>What a VM's guest says of itself, and vms/{id}/reporteddevices and sessions made of it.</summary>
internal static class Observed
{
    public static void Map(Router router) => router
        .Get("vms/{id}/reporteddevices", async call =>
        {
            var view = await Vms.Read(call);
            return Answer.Of(Shapes.ReportedDevice, [.. Devices(view, await Of(call, view), Hrefs.Vm(view.Id.Value), _ => true)]);
        })
        .Get("vms/{id}/reporteddevices/{id}", async call =>
        {
            var view = await Vms.Read(call);
            return Answer.Of(Devices(view, await Of(call, view), Hrefs.Vm(view.Id.Value), _ => true).FirstOrDefault(d => d.Id == call.Ids[1])
                ?? throw FaultException.Unknown("reported_device", call.Ids[1]));
        })
        .Get("vms/{id}/nics/{id}/reporteddevices", async call =>
        {
            var view = await Vms.Read(call);
            var nic = view.Config.Nics.FirstOrDefault(n => n.Id == call.Id(1)) ?? throw FaultException.Unknown("nic", call.Ids[1]);
            return Answer.Of(Shapes.ReportedDevice,
            [
                .. Devices(view, await Of(call, view), $"{Hrefs.Vm(view.Id.Value)}/nics/{nic.Id}",
                    mac => string.Equals(mac, nic.Mac, StringComparison.OrdinalIgnoreCase)),
            ]);
        })
        .Get("vms/{id}/sessions", async call =>
        {
            var view = await Vms.Read(call);
            var seen = await Of(call, view);
            return Answer.Of(Shapes.Session,
            [
                .. (seen?.Facts?.Users ?? []).Select(user => Shapes.Session.New(NamedIds.Of($"{view.Id} {user}"), $"{Hrefs.Vm(view.Id.Value)}/sessions/{NamedIds.Of($"{view.Id} {user}")}")
                    .With("console_user", false)
                    .With("user", Shapes.User.New().With("user_name", user))
                    .With("vm", Refs.To(view.Id))),
            ]);
        })
        // What is installed only oVirt's own guest agent tells, which is no more.
        .Get("vms/{id}/applications", async call =>
        {
            await Vms.Read(call);
            return Answer.Of(Shapes.Application, []);
        });

    /// <summary>Of the copy that runs; null when nothing was seen of it.</summary>
    public static async Task<GuestObservation?> Of(ApiCall call, VmView view) =>
        Fits(view, (await call.Guests(view.Host is null ? [] : [view.Id.Value])).GetValueOrDefault(view.Id.Value));

    public static GuestObservation? Fits(VmView view, GuestObservation? seen) =>
        view.Host is not null && seen is not null && (seen.Lease == view.HeldLease || seen.Lease == view.Lease) ? seen : null;

    /// <summary>The fields of a VM that its guest tells.</summary>
    public static void Tell(Element vm, GuestObservation? seen)
    {
        if (seen?.Facts is not { } facts) return;
        if (facts.HostName.Length > 0) vm.With("fqdn", facts.HostName);
        if (facts.System is { } system)
            vm.With("guest_operating_system", Shapes.GuestOperatingSystem.New()
                .With("architecture", system.Architecture)
                .With("codename", "")
                .With("distribution", system.Name)
                .With("family", system.Id == "mswindows" ? "Windows" : "Linux")
                .With("kernel", Shapes.Kernel.New().With("version", Shapes.Version.New().With("full_version", system.Kernel)))
                .With("version", Shapes.Version.New().With("full_version", system.Version)));
        if (facts.UtcOffset is { } offset)
            vm.With("guest_time_zone", Shapes.TimeZone.New().With("name", facts.TimeZone).With("utc_offset", Offset(offset)));
    }

    private static string Offset(int seconds) => string.Create(
        CultureInfo.InvariantCulture, $"{(seconds < 0 ? '-' : '+')}{Math.Abs(seconds) / 3600:00}:{Math.Abs(seconds) / 60 % 60:00}");

    private static IEnumerable<Element> Devices(VmView view, GuestObservation? seen, string href, Func<string, bool> isWanted) =>
        (seen?.Facts?.Interfaces ?? []).Where(i => isWanted(i.Mac)).Select(line =>
        {
            var id = NamedIds.Of($"{view.Id} {line.Name} {line.Mac}");
            var device = Shapes.ReportedDevice.New(id, $"{href}/reporteddevices/{id}")
                .With("name", line.Name)
                .With("description", "guest reported data")
                .With("type", "network")
                .With("vm", Refs.To(view.Id));
            if (line.Mac.Length > 0) device.With("mac", Shapes.Mac.New().With("address", line.Mac));
            if (line.Addresses.Length > 0)
                device.With("ips", [.. line.Addresses.Select(address => Shapes.Ip.New()
                    .With("address", address)
                    .With("version", IPAddress.TryParse(address, out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6 ? "v6" : "v4"))]);
            return device;
        });
}
