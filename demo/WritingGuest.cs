namespace Orchestrator.Demo;

/// <summary>A highly available guest that numbers what it writes, with those who watch its disk and its copies from outside.</summary>
public sealed class WritingGuest : IAsyncDisposable
{
    private WritingGuest(EngineApi api, LabHosts hosts, DemoVm vm, DiskWitness disk, GuestWatch watch) =>
        (Api, Hosts, Vm, Disk, Watch) = (api, hosts, vm, disk, watch);

    public EngineApi Api { get; }

    public LabHosts Hosts { get; }

    public DemoVm Vm { get; }

    public DiskWitness Disk { get; }

    public GuestWatch Watch { get; }

    /// <param name="name">What its VM's name begins with.</param>
    /// <param name="encrypted">It migrates over TLS.</param>
    public static async Task<WritingGuest> Create(Installation installation, string name, bool encrypted = false)
    {
        var api = new EngineApi(installation);
        await api.LogIn("admin@internal", installation.Password);
        var hosts = new LabHosts(installation);
        var vm = new DemoVm(api, hosts, $"{name}-{DateTime.UtcNow:HHmmss}");
        await vm.Create(installation, new GuestShape(MemoryMiB: 192, KernelArguments: "lab.write=1", Encrypted: encrypted));
        var guest = new WritingGuest(
            api, hosts, vm, new DiskWitness(hosts, vm.Id, installation.Hosts), new GuestWatch(hosts, vm.Id));
        guest.Disk.Start();
        guest.Watch.Start();
        return guest;
    }

    /// <returns>The host that it is up on, when it has written and read what it wrote.</returns>
    public async Task<int> Start()
    {
        await Vm.Act("start");
        var host = await Vm.AwaitUp(TimeSpan.FromSeconds(180));
        await Disk.AwaitCheck(TimeSpan.FromSeconds(120));
        return host;
    }

    /// <summary>The VM goes with it.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await Vm.Remove();
        }
        finally
        {
            await Watch.DisposeAsync();
            await Disk.DisposeAsync();
            Api.Dispose();
        }
    }
}
