using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Libvirt;

/// <summary>
/// Gives a domain that runs another machine, device by device: each time it looks at what is there, so it may be begun
/// anew after any crash. What is plugged in is there when libvirt says so; what is to leave, only when the guest has let it go.
/// </summary>
internal sealed class Plugging(Func<LibvirtConnection> connected, Guid vm, TimeSpan patience, TimeProvider time, CancellationToken stop)
{
    // Forced: a guest may have locked its CD drive.
    private const uint Live = 1, Forced = 4;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);
    private readonly List<string> _failed = [];

    public async Task<GuestMachine> Give(VmDefinition wanted)
    {
        await Remove(wanted);
        foreach (var (device, words) in Look().Changed(wanted))
            Try($"{words} could not be changed", d => Native.virDomainUpdateDeviceFlags(d, device.ToString(), device.Name == "disk" ? Live | Forced : Live));
        if (CdDrive.IsMissing(Look(), wanted)) _failed.Add("the guest has no CD drive, and gets one at its next start");
        foreach (var (device, words) in Look().Missing(wanted))
            Try($"{words} could not be plugged in", d => Native.virDomainAttachDeviceFlags(d, device.ToString(), Live));
        foreach (var (target, limits) in Look().Relimited(wanted))
            Try($"the limits of {target} could not be changed", d => Tuning.Limit(d, target, limits));
        if (wanted.Hardware is { } hardware && Look().CpuShares is var shares && hardware.CpuShares != shares)
            Try($"the guest has {shares} CPU shares and not {hardware.CpuShares}", d => Tuning.Weigh(d, hardware.CpuShares));
        var cpus = Look().VirtualCpus;
        if (cpus != wanted.VirtualCpus && cpus > 0)
            Try($"the guest has {cpus} CPUs and not {wanted.VirtualCpus}", d => Native.virDomainSetVcpusFlags(d, (uint)wanted.VirtualCpus, Live));
        var has = Look();
        if (_failed.Count == 0 && has.VirtualCpus != wanted.VirtualCpus)
            _failed.Add($"the guest has {has.VirtualCpus} CPUs and not {wanted.VirtualCpus}");
        return new GuestMachine(has.Devices, has.VirtualCpus, has.MemoryBytes, _failed.Count == 0 ? null : string.Join("; ", _failed));
    }

    private async Task Remove(VmDefinition wanted)
    {
        var leaving = Look().Surplus(wanted).ToList();
        // An order before this one may have asked for it already: that is waited for like one's own.
        foreach (var (alias, words) in leaving.ToList())
            if (!Try($"{words} could not be unplugged", d => Native.virDomainDetachDeviceAlias(d, alias, Live), "in the process of unplug"))
                leaving.Remove((alias, words));
        for (var began = time.GetTimestamp(); leaving.Count > 0 && time.GetElapsedTime(began) < patience;)
        {
            await Task.Delay(LookEvery, time, stop);
            var has = Look();
            leaving.RemoveAll(l => !has.Has(l.Alias));
        }

        _failed.AddRange(leaving.Select(l => $"the guest did not let {l.Words} go within {patience.TotalSeconds} s"));
    }

    private bool Try(string otherwise, Func<nint, int> call, string? already = null)
    {
        try
        {
            connected().Do(vm, call);
            return true;
        }
        catch (HypervisorException e) when (already is not null && e.Message.Contains(already, StringComparison.Ordinal))
        {
            return true;
        }
        catch (HypervisorException e)
        {
            _failed.Add($"{otherwise}: {e.Message}");
            return false;
        }
    }

    /// <exception cref="HypervisorAwayException">Also when the domain is gone: then there is nothing that it has.</exception>
    private LiveMachine Look() => LiveMachine.Read(
        connected().OnDomain(vm, d => Native.Take(Native.virDomainGetXMLDesc(d, 0))) ?? throw new HypervisorAwayException("libvirt shows no XML of it"));
}
