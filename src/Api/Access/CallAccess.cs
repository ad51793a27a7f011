using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Access;

/// <summary>What the user of one request may and sees. Lineages are read when no grant on the system or on the object itself
/// answers the question already.</summary>
/// <param name="filtered">Lists show what he has a role on, and what he has none on is not there.</param>
public sealed class CallAccess(Rights rights, bool filtered)
{
    /// <summary>From so many grants of one kind on, all documents of the kind are read at once.</summary>
    private const int ReadsOneByOne = 20;

    private HashSet<ObjectRef>? _aboveGrants;

    public Rights Rights { get; } = rights;

    public bool Filtered { get; } = filtered;

    public async Task<bool> May(ApiCall call, Permit permit, ObjectRef on)
    {
        if (Rights.MayEverywhere(permit)) return true;
        return Rights.MaySomewhere(permit) && Rights.May(permit, await Lineage(call, on));
    }

    public async Task<bool> Sees(ApiCall call, ObjectRef what)
    {
        if (!Filtered) return true;
        if (Rights.Sees(what, [])) return true;
        if (Rights.Sees(what, await Lineage(call, what))) return true;
        return (await AboveGrants(call)).Contains(what);
    }

    /// <summary>The object, all above it, and the system.</summary>
    public static async Task<IReadOnlyCollection<ObjectRef>> Lineage(ApiCall call, ObjectRef on)
    {
        var lineage = new HashSet<ObjectRef> { on };
        await AddAbove(call, on, lineage);
        lineage.Add(ObjectRef.System);
        return lineage;
    }

    private static async Task AddAbove(ApiCall call, ObjectRef on, HashSet<ObjectRef> lineage)
    {
        if (ObjectKinds.Named(on.Kind) is not { Parents.Length: > 0 }) return;
        if (await call.Find(on.Kind, on.Id) is not { } document) return;
        foreach (var (rule, id) in ObjectKinds.ParentsIn(document))
        {
            var parent = new ObjectRef(rule.Kind, id);
            if (rule.Skipped || lineage.Add(parent)) await AddAbove(call, parent, lineage);
        }
    }

    /// <summary>Who has a VM, a template or a disk sees the cluster, the data center and the storage domain that it is in.</summary>
    private async Task<HashSet<ObjectRef>> AboveGrants(ApiCall call)
    {
        if (_aboveGrants is not null) return _aboveGrants;
        var above = new HashSet<ObjectRef>();
        foreach (var granted in Rights.Grants.Select(grant => grant.Object).Distinct().GroupBy(on => on.Kind))
        {
            if (ObjectKinds.Named(granted.Key) is not { Parents.Length: > 0 }) continue;
            if (granted.Count() > ReadsOneByOne) await call.Remember(new ReadQuery(granted.Key));
            foreach (var on in granted)
                foreach (var parent in await Lineage(call, on))
                    if (parent != on && parent != ObjectRef.System && parent.Kind != Kinds.Vm)
                        above.Add(parent);
        }

        return _aboveGrants = above;
    }
}
