using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Tests.Agent;

/// <summary>Storage domains on file systems that this kernel really mounts: tmpfs, a bind mount, ext4 on a loop device.</summary>
public sealed class StorageTests : IDisposable
{
    private const string Ours = "installation-1", Theirs = "installation-2";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);
    private readonly string _folder = Directory.CreateTempSubdirectory("orchestrator-storage-").FullName;
    private readonly Guid _domain = Guid.NewGuid();
    private readonly MountProgram _program = new(_limit);

    private string Root => Path.Combine(_folder, "root");

    private string Point => Path.Combine(Root, _domain.ToString());

    private string Memory => Path.Combine(_folder, "storage.json");

    private StoragePlace Tmpfs => new(_domain, Point) { Mount = new StorageMount("tmpfs", "tmpfs") { Options = "size=16m" } };

    public void Dispose()
    {
        foreach (var point in _program.Mounted().Where(p => p.StartsWith(_folder, StringComparison.Ordinal)))
            _program.Unmount(point, CancellationToken.None).GetAwaiter().GetResult();
        Directory.Delete(_folder, recursive: true);
    }

    [SkippableFact]
    public async Task A_domain_is_mounted_by_order_looked_at_and_unmounted_by_the_next_order()
    {
        await MayMount();
        var agent = Agent();
        await agent.Do(Tmpfs, DomainStep.Format);
        var sight = await agent.Seen(Tmpfs);
        Assert.Equal((true, null, 16L << 20), (sight.Ready, sight.Why, sight.TotalBytes));
        Assert.InRange(sight.AvailableBytes, 15L << 20, 16L << 20);
        Assert.NotNull(sight.DelaySeconds);
        agent.Keeper.Keep([]);
        await Until(() => !_program.Mounted().Contains(Point));
        Assert.False(Directory.Exists(Point));
    }

    [SkippableFact]
    public async Task After_a_boot_the_agent_mounts_what_it_had_before_anybody_asks()
    {
        await MayMount();
        var place = await Ext4();
        var agent = Agent();
        await agent.Do(place, DomainStep.Format);
        await agent.Do(new ImageJob.Create($"{Point}/{_domain}/images/a/a", DiskFormat.Raw, 1 << 20));
        Assert.True((await agent.Seen(place)).Ready);
        await _program.Unmount(Point, CancellationToken.None);
        Agent().Keeper.TakeUp();
        await Until(() => File.Exists($"{Point}/{_domain}/images/a/a"));
    }

    [SkippableFact]
    public async Task What_is_open_stays_mounted_until_it_is_closed()
    {
        await MayMount();
        var agent = Agent();
        await agent.Do(Tmpfs, DomainStep.Format);
        await using (File.Create(Path.Combine(Point, "open")))
        {
            agent.Keeper.Keep([]);
            await agent.Mounts.Release(new HashSet<string>(), CancellationToken.None);
            Assert.Contains(Point, _program.Mounted());
        }

        await Until(() =>
        {
            agent.Keeper.Keep([]);
            return !_program.Mounted().Contains(Point);
        });
    }

    [SkippableFact]
    public async Task What_one_host_makes_another_host_sees()
    {
        await MayMount();
        var export = Directory.CreateDirectory(Path.Combine(_folder, "export")).FullName;
        var one = Agent("one");
        var two = Agent("two");
        var image = $"{_domain}/images/a/a";
        await one.Do(Bind(one, export), DomainStep.Format);
        await one.Do(new ImageJob.Create($"{one.Point}/{image}", DiskFormat.Qcow2, 1 << 20));
        Assert.True((await two.Seen(Bind(two, export))).Ready);
        Assert.True(File.Exists($"{two.Point}/{image}"));
        Assert.Equal("a", Assert.Single(await two.Keeper.Finds!(Bind(two, export) with { Folder = $"{two.Root}/look" }, CancellationToken.None)).Name);
        Assert.DoesNotContain($"{two.Root}/look", _program.Mounted());
    }

    [SkippableFact]
    public async Task No_image_is_made_where_a_domain_only_should_be_mounted()
    {
        await MayMount();
        var agent = Agent();
        await agent.Do(Tmpfs, DomainStep.Format);
        await _program.Unmount(Point, CancellationToken.None);
        var failure = await Assert.ThrowsAsync<ImageWorkException>(
            () => agent.Do(new ImageJob.Create($"{Point}/{_domain}/images/a/a", DiskFormat.Raw, 1 << 20)));
        Assert.Contains("not mounted", failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ImageWorkException>(() => agent.Do(new ImageJob.Delete($"{Point}/{_domain}/images/a/a")));
        Assert.False(Directory.Exists(Point));
    }

    [SkippableFact]
    public async Task What_cannot_be_mounted_is_told_and_tried_again()
    {
        await MayMount();
        var agent = Agent();
        var nowhere = new StoragePlace(_domain, Point) { Mount = new StorageMount("ext4", Path.Combine(_folder, "nowhere")) };
        var sight = await agent.Seen(nowhere);
        Assert.False(sight.Ready);
        Assert.Contains("nowhere", sight.Why, StringComparison.Ordinal);
        var failure = await Assert.ThrowsAsync<ImageWorkException>(() => agent.Do(nowhere, DomainStep.Open));
        Assert.Contains("nowhere", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_hangs_holds_nobody()
    {
        var agent = Agent(mount: new MountProgram(TimeSpan.FromSeconds(1), Script("mount", "trap '' TERM\nexec sleep 30\n")));
        var clock = Stopwatch.StartNew();
        agent.Keeper.Keep([Tmpfs]);
        Assert.InRange(clock.ElapsedMilliseconds, 0, 500);
        var sight = await agent.Seen(Tmpfs);
        Assert.Contains("did not end within 1 s", sight.Why, StringComparison.Ordinal);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 10);
    }

    [Theory]
    [InlineData("nfs", "server:/export", "soft,timeo=100,retrans=3,vers=4.2", "-t nfs -o soft,timeo=100,retrans=3,vers=4.2 -- server:/export")]
    [InlineData("glusterfs", "server:/volume", "", "-t glusterfs -- server:/volume")]
    [InlineData("cephfs", "a,b:/", "name=admin", "-t cephfs -o name=admin -- a,b:/")]
    public async Task Mount_is_called_with_type_options_source_and_folder(string type, string source, string options, string words)
    {
        var said = Path.Combine(_folder, "said");
        var agent = Agent(mount: new MountProgram(_limit, Script("mount", $"echo \"$@\" > {said}\nexit 32\n")));
        await agent.Seen(new StoragePlace(_domain, Point) { Mount = new StorageMount(type, source) { Options = options } });
        Assert.Equal($"{words} {Point}\n", await File.ReadAllTextAsync(said));
    }

    [Theory]
    [InlineData("fuse", "rm -rf /", "", "no type of file system")]
    [InlineData("-bind", "/etc", "", "no type of file system")]
    [InlineData("nfs", "a\nb", "", "characters that cannot be")]
    [InlineData("nfs", "a:/b", "ro -o suid", "characters that cannot be")]
    public async Task What_would_be_more_than_a_mount_is_refused(string type, string source, string options, string why)
    {
        var agent = Agent(mount: new MountProgram(_limit, Script("mount", "exit 0\n")));
        var place = new StoragePlace(_domain, Point) { Mount = new StorageMount(type, source) { Options = options } };
        Assert.Contains(why, (await agent.Seen(place)).Why, StringComparison.Ordinal);
        var elsewhere = Tmpfs with { Folder = "/etc" };
        Assert.Contains("is not directly below", (await agent.Seen(elsewhere)).Why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mount_point_with_a_blank_is_read_as_the_kernel_writes_it() => Assert.Equal(
        ["/a b/\u00e9"], MountProgram.Points(["36 35 98:0 / /a\\040b/\u00e9 rw,noatime - ext4 /dev/loop0 rw"]));

    [Fact]
    public async Task A_place_with_other_things_is_formatted_only_when_that_is_wanted()
    {
        var (agent, place) = (Agent(), Local());
        await File.WriteAllTextAsync(Path.Combine(place.Folder, "photo.jpg"), "");
        Assert.Contains("photo.jpg", await Refused(agent, place, DomainStep.Format), StringComparison.Ordinal);
        await agent.Do(place, DomainStep.Format, force: true);
        await agent.Do(place, DomainStep.Format);
        Assert.Contains("of this installation", await Refused(agent, place with { Domain = Guid.NewGuid() }, DomainStep.Format), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_installations_domain_is_never_formatted_over_and_imported_only_when_it_is_free()
    {
        var (agent, place) = (Agent(), Local());
        var center = Guid.NewGuid();
        await agent.Do(place, DomainStep.Format);
        await agent.Do(place, DomainStep.Open, center: center);
        Assert.Contains(Ours, await Refused(agent, place with { Domain = Guid.NewGuid() }, DomainStep.Format, Theirs, force: true), StringComparison.Ordinal);
        Assert.Contains("belongs to the installation", await Refused(agent, place, DomainStep.Open, Theirs), StringComparison.Ordinal);
        Assert.Contains(center.ToString(), await Refused(agent, place, DomainStep.Import, Theirs), StringComparison.Ordinal);

        await agent.Do(place, DomainStep.Close);
        await agent.Do(place, DomainStep.Import, Theirs);
        Assert.Contains(Theirs, await Refused(agent, place, DomainStep.Open), StringComparison.Ordinal);
        Assert.Contains(Theirs, await Refused(agent, place, DomainStep.Wipe), StringComparison.Ordinal);
        await agent.Do(place, DomainStep.Open, Theirs, center: center);
        Assert.Equal(
            new DomainLabel(_domain, Theirs, "a", "data", center),
            Assert.Single(await agent.Keeper.Finds!(place, CancellationToken.None)));
        // That installation is lost for ever.
        await agent.Do(place, DomainStep.Import, force: true);
        await agent.Do(place, DomainStep.Open);
    }

    [Fact]
    public async Task A_domain_is_open_in_one_data_center_and_wiped_only_in_none()
    {
        var (agent, place) = (Agent(), Local());
        var (one, two) = (Guid.NewGuid(), Guid.NewGuid());
        await agent.Do(place, DomainStep.Format);
        await agent.Do(place, DomainStep.Open, center: one);
        await agent.Do(place, DomainStep.Open, center: one);
        Assert.Contains(one.ToString(), await Refused(agent, place, DomainStep.Open, center: two), StringComparison.Ordinal);
        Assert.Contains(one.ToString(), await Refused(agent, place, DomainStep.Wipe), StringComparison.Ordinal);
        await agent.Do(place, DomainStep.Close);
        await agent.Do(place, DomainStep.Wipe);
        await agent.Do(place, DomainStep.Wipe);
        Assert.Empty(Directory.GetFileSystemEntries(place.Folder));
    }

    [Fact]
    public async Task A_domain_of_an_agent_of_0_1_0_becomes_that_of_its_installation()
    {
        var (agent, place) = (Agent(), Local());
        await new QemuImages().Do(Guid.NewGuid(), new ImageJob.PrepareDomain(place.Folder, _domain, "orchestrator"), _ => { }, CancellationToken.None);
        await agent.Do(place, DomainStep.Open);
        Assert.Contains(Ours, await Refused(agent, place, DomainStep.Open, Theirs), StringComparison.Ordinal);
    }

    private static async Task<string> Refused(
        Machine agent, StoragePlace place, DomainStep step, string owner = Ours, bool force = false, Guid? center = null) =>
        (await Assert.ThrowsAsync<ImageWorkException>(() => agent.Do(place, step, owner, force, center))).Message;

    private StoragePlace Local() => new(_domain, Directory.CreateDirectory(Path.Combine(_folder, "local")).FullName);

    private StoragePlace Bind(Machine agent, string source) =>
        new(_domain, agent.Point) { Mount = new StorageMount("none", source) { Options = "bind" } };

    private async Task<StoragePlace> Ext4()
    {
        var disk = Path.Combine(_folder, "disk");
        await using (var file = File.Create(disk)) file.SetLength(32 << 20);
        var made = await ShortProgram.Run("/sbin/mkfs.ext4", ["-q", "-F", disk], "", CancellationToken.None);
        Assert.True(made.ExitCode == 0, made.Words);
        return new StoragePlace(_domain, Point) { Mount = new StorageMount("ext4", disk) { Options = "loop" } };
    }

    private string Script(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, "#!/bin/sh\n" + text);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    /// <summary>Containers may be forbidden to mount.</summary>
    private async Task MayMount()
    {
        var probe = Path.Combine(_folder, "probe");
        try
        {
            await _program.Mount(new StorageMount("tmpfs", "tmpfs"), probe, CancellationToken.None);
            await _program.Unmount(probe, CancellationToken.None);
        }
        catch (IOException e)
        {
            Skip.If(true, $"nothing can be mounted here: {e.Message}");
        }
    }

    private static async Task Until(Func<bool> so)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        while (!so()) await timer.WaitForNextTickAsync(limit.Token);
    }

    private Machine Agent(string? name = null, IMounter? mount = null)
    {
        var root = name is null ? Root : Path.Combine(_folder, name);
        var mounts = new Mounts(root, mount ?? _program, NullLogger.Instance);
        var work = new PlacedImageWork(new QemuImages(), mounts, _limit, TimeSpan.FromSeconds(1));
        return new Machine(root, Path.Combine(root, _domain.ToString()), mounts, work, new StorageKeeper(
            mounts, new PlaceProbe(TimeProvider.System), name is null ? Memory : null, TimeProvider.System, NullLogger.Instance)
        {
            Finds = work.Look,
        });
    }

    private sealed record Machine(string Root, string Point, Mounts Mounts, PlacedImageWork Work, StorageKeeper Keeper)
    {
        public Task Do(StoragePlace place, DomainStep step, string owner = Ours, bool force = false, Guid? center = null) =>
            Do(new ImageJob.StepDomain(place, step, owner) { Name = "a", Force = force, DataCenter = center });

        public Task Do(ImageJob job) => Work.Do(Guid.NewGuid(), job, _ => { }, CancellationToken.None);

        public async Task<PlaceSight> Seen(StoragePlace place)
        {
            PlaceSight? sight = null;
            await Until(() => (sight = Keeper.Keep([place]).Places[0]) is { Ready: true } or { Why: not null });
            return sight!;
        }
    }
}
