using System.Net;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>A VM's screen in the VM's own document. oVirt's model calls it outdated by graphics consoles; libgovirt and virt-viewer know
/// nothing else, and leave out a VM that has none.</summary>
internal static class Displays
{
    /// <summary>How many hosts are asked at a time, and how long in all: where a screen is belongs to the expensive parts of a list.</summary>
    private const int AtOnce = 32;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    /// <summary>Null for a VM without a screen.</summary>
    public static Element? Of(VmConfig config) => config.Headless
        ? null
        : Shapes.Display.New()
            .With("allow_override", false)
            .With("copy_paste_enabled", false)
            .With("disconnect_action", "NONE")
            .With("file_transfer_enabled", false)
            .With("monitors", 1)
            .With("smartcard_enabled", false)
            .With("type", "vnc");

    /// <summary>Says where the screens of running VMs are, when all content is asked for. A host that does not tell leaves its VMs
    /// without an address; nobody waits for it longer than for the others.</summary>
    public static async Task Locate(ApiCall call, IReadOnlyList<(VmView View, Element Vm)> shown)
    {
        if (!call.Parameters.AllContent) return;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(call.Cancel);
        patience.CancelAfter(_patience);
        var hosts = new Dictionary<HostId, string>();
        foreach (var host in shown.Select(one => one.View.Host).OfType<HostId>().Distinct())
            hosts[host] = (await call.Get<HostView>(Kinds.Host, host.Value)).Config.Address;
        await Parallel.ForEachAsync(shown, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (one, _) =>
        {
            if (GuestPlace.Of(one.View) is not { } guest || one.Vm.One("display") is not { } display) return;
            if (await Find(call, guest, patience.Token) is { } at && !IsHostsOwn(at.Address))
                display.With("address", Reached(at.Address, hosts[guest.Host])).With("port", at.Port);
        });
    }

    /// <summary>Who listens everywhere is reached where its agent is.</summary>
    public static string Reached(string address, string host) =>
        IPAddress.TryParse(address, out var ip) && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any)) ? host : address;

    /// <summary>No viewer elsewhere reaches it.</summary>
    public static bool IsHostsOwn(string address) => IPAddress.TryParse(address, out var ip) && IPAddress.IsLoopback(ip);

    private static async Task<ConsoleAddress?> Find(ApiCall call, GuestPlace guest, CancellationToken patience)
    {
        try
        {
            return await call.World.Consoles.Find(guest, patience);
        }
        catch (Exception silent) when (silent is EntityUnavailableException or OperationCanceledException && !call.Cancel.IsCancellationRequested)
        {
            return null;
        }
    }
}
