using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Tests.Agent;

/// <summary>What an agent says of the storage that the engine names.</summary>
public sealed class DomainWatchTests
{
    private readonly Clock _clock = new();
    private readonly Storage _storage = new();

    [Fact]
    public void Storage_that_is_read_is_never_old()
    {
        var watch = new DomainWatch(_storage, _clock);
        _ = One(watch);
        Assert.True(One(watch) is { Read: true, Why: null });
        for (var i = 0; i < 20; i++)
        {
            _clock.Pass(2);
            Assert.InRange(One(watch).UnreadMs, 0, 6_000);
        }

        // Not at each question: one that is asked often reads no more often.
        Assert.InRange(_storage.Readings, 7, 9);
    }

    [Fact]
    public void Storage_that_fails_or_hangs_grows_old_until_it_is_read_again()
    {
        var watch = new DomainWatch(_storage, _clock);
        _ = One(watch);
        _storage.Fails = true;
        for (var i = 0; i < 10; i++)
        {
            _clock.Pass(4);
            _ = One(watch);
        }

        Assert.True(One(watch) is { Read: true, UnreadMs: 40_000, Why: "Input/output error" });
        (_storage.Fails, _storage.Hangs) = (false, new TaskCompletionSource());
        _clock.Pass(10);
        _ = One(watch);
        var readings = _storage.Readings;
        _clock.Pass(60);
        Assert.Equal(110_000, One(watch).UnreadMs);
        Assert.Equal(readings, _storage.Readings);
        _storage.Hangs.SetResult();
        _storage.Hangs = null;
        _clock.Pass(6);
        _ = One(watch);
        Assert.Equal(0, One(watch).UnreadMs);
    }

    [Fact]
    public void What_was_never_read_says_so_and_what_is_not_asked_for_is_forgotten()
    {
        _storage.Fails = true;
        var watch = new DomainWatch(_storage, _clock);
        _ = One(watch);
        _clock.Pass(50);
        Assert.True(One(watch) is { Read: false, UnreadMs: 50_000 });
        Assert.Empty(watch.Look([]));
        Assert.Equal(0, One(watch).UnreadMs);
    }

    [Fact]
    public async Task Metadata_are_read_from_real_storage()
    {
        var folder = Directory.CreateTempSubdirectory("domain").FullName;
        var probe = new FolderProbe();
        await Assert.ThrowsAsync<IOException>(() => probe.Read(folder));
        var metadata = Path.Combine(folder, "metadata");
        await File.WriteAllTextAsync(metadata, "");
        await Assert.ThrowsAsync<IOException>(() => probe.Read(folder));
        await File.WriteAllTextAsync(metadata, "CLASS=Data\n");
        await probe.Read(folder);
        Directory.Delete(folder, recursive: true);
    }

    private static DomainSight One(DomainWatch watch) => Assert.Single(watch.Look(["/data/dom_md"]));

    private sealed class Storage : IDomainProbe
    {
        public bool Fails { get; set; }

        public TaskCompletionSource? Hangs { get; set; }

        public int Readings { get; private set; }

        public Task Read(string folder)
        {
            Readings++;
            return Fails ? Task.FromException(new IOException("Input/output error")) : Hangs?.Task ?? Task.CompletedTask;
        }
    }

    private sealed class Clock : TimeProvider
    {
        private long _now = 1_000;

        public override long TimestampFrequency => 1_000;

        public override long GetTimestamp() => _now;

        public void Pass(int seconds) => _now += seconds * 1_000;
    }
}
