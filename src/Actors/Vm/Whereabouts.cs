using System.Collections.Immutable;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Vm;

/// <summary>
/// Which hosts have not told what they have since a restoration of the database: all hosts of the installation, because since
/// the backup a host may have come to another data center. One for all VMs of a node: a host that has told, and the VMs that it
/// told of, have that in their journals by then, so an answer of a second ago is as good as a new one.
/// </summary>
public sealed class Whereabouts(IReadModel read, TimeProvider clock)
{
    private static readonly TimeSpan _holds = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private (long Restoration, long At, Task<ImmutableArray<string>> Hosts)? _last;

    /// <summary>Their names.</summary>
    /// <exception cref="EntityUnavailableException">The database is away.</exception>
    public Task<ImmutableArray<string>> Unheard(long restoration)
    {
        lock (_gate)
        {
            if (_last is { } last && last.Restoration == restoration && !last.Hosts.IsFaulted && clock.GetElapsedTime(last.At) < _holds)
                return last.Hosts;
            var asked = Ask(restoration);
            _last = (restoration, clock.GetTimestamp(), asked);
            return asked;
        }
    }

    private async Task<ImmutableArray<string>> Ask(long restoration) =>
    [
        .. (await read.List(new ReadQuery(Kinds.Host), CancellationToken.None)).Select(d => WireJson.Read<HostView>(d.Json))
            .Where(h => !(h.AccountedFor >= restoration)).Select(h => h.Config.Name),
    ];
}
