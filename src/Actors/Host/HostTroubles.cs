using System.Collections.Immutable;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Actors.Host;

/// <summary>What went wrong with a host lately, for whoever asks why it waits. Called by any thread.</summary>
internal sealed class HostTroubles(HostId id, HostWorld world)
{
    private const int Kept = 6;

    private ImmutableArray<Remark> _all = [];
    private volatile string _name = "";

    public IReadOnlyList<Remark> All => _all;

    public string Name
    {
        get => _name;
        set => _name = value;
    }

    public void Failed(string what, string why)
    {
        Note($"{what} failed: {why}");
        world.Failed(id, _name, what, why);
    }

    /// <summary>The same trouble again takes the place of what was noted before.</summary>
    public void Note(string what)
    {
        var now = new Remark(world.Clock.GetUtcNow(), what);
        ImmutableInterlocked.Update(ref _all, troubles =>
        {
            var others = troubles.RemoveAll(t => t.What == what);
            return (others.Length < Kept ? others : others.RemoveAt(0)).Add(now);
        });
    }
}
