using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>CDs in the drives of guests that run, in QEMU.</summary>
[Collection(HypervisorHosts.Shelf)]
public sealed class CdTests(HypervisorHosts hosts)
{
    private readonly Guid _vm = Guid.NewGuid();

    /// <summary>The kernel here has no driver for SATA: of q35 libvirt tells, and the guest must boot all the same.</summary>
    [SkippableTheory]
    [InlineData("pc")]
    [InlineData("q35")]
    public async Task A_guest_reads_the_cd_that_is_put_in_while_it_runs(string machine)
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        var (first, second) = (Cd("first"), Cd("second"));
        await using var agent = await hosts.StartAgent(1);
        await using var events = await agent.Follow();
        Taken(await agent.Client.Launch(new LaunchOrder(new Stamp(1), 1, Definition(machine, ""))));
        await events.Until(_vm, GuestState.Up);
        await Holds(agent, machine, "");

        await Load(agent, events, machine, 1, first);
        await Holds(agent, machine, first);
        await Load(agent, events, machine, 2, second);
        await Holds(agent, machine, second);
        await Load(agent, events, machine, 3, "");
        await Holds(agent, machine, "");

        Taken(await agent.Client.Reshape(_vm, new ReshapeOrder(new Stamp(1), 1, 4, Definition(machine, "/nowhere.iso"))));
        var failed = await events.Until(_vm, GuestState.Up, g => g is { Reshape: 4, ReshapeError: not null });
        Assert.Contains("/nowhere.iso", failed.ReshapeError, StringComparison.Ordinal);
        Taken(await agent.Client.Stop(_vm, new StopOrder(new Stamp(1), 1, StopMode.PowerOff)));
        await events.Until(_vm, GuestState.Down);
    }

    private async Task Load(RunningAgent agent, Follower events, string machine, long number, string path)
    {
        Taken(await agent.Client.Reshape(_vm, new ReshapeOrder(new Stamp(1), 1, number, Definition(machine, path))));
        var over = await events.Until(_vm, GuestState.Up, g => g.Reshape == number && (g.Reshaped == true || g.ReshapeError is not null));
        Assert.Null(over.ReshapeError);
    }

    private async Task Holds(RunningAgent agent, string machine, string path)
    {
        var xml = await hosts.On("xml", 1, _vm.ToString());
        Assert.Contains("device='cdrom'", xml, StringComparison.Ordinal);
        Assert.Equal(path != "", xml.Contains(".iso", StringComparison.Ordinal));
        if (path != "") Assert.Contains(path, xml, StringComparison.Ordinal);
        if (machine != "pc") return;
        var wanted = $"CD {(path == "" ? "" : File.ReadAllText(path).TrimEnd('\0'))}.";
        for (var attempt = 0; attempt < 60; attempt++)
        {
            if ((await agent.Client.ConsoleLog(_vm, 3)).Contains(wanted, StringComparison.Ordinal)) return;
            await Task.Delay(500);
        }

        Assert.Fail($"not '{wanted}': {await agent.Client.ConsoleLog(_vm, 5)}");
    }

    private string Cd(string words)
    {
        Directory.CreateDirectory(hosts.Shared);
        var path = $"{hosts.Shared}/{words}-{_vm}.iso";
        File.WriteAllText(path, words.PadRight(2 << 20, '\0'));
        return path;
    }

    private VmDefinition Definition(string machine, string cd) => new(_vm, "tiny", 256L << 20)
    {
        Machine = machine,
        Kernel = $"{HypervisorHosts.Guest}/vmlinuz",
        Initrd = $"{HypervisorHosts.Guest}/initrd.gz",
        Cmdline = "console=ttyS0 quiet lab.cd=1",
        Cdrom = new VmCdrom(cd),
    };

    private static GuestReport? Taken(AgentAnswer answer) => answer is AgentAnswer.Accepted accepted
        ? accepted.Receipt.Guest
        : throw new InvalidOperationException($"not accepted: {answer}");
}
