using Orchestrator.Api.Catalogue;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>Where the addresses of NICs come from: one pool for all clusters, whose ranges can be changed.</summary>
internal static class MacPools
{
    private static readonly Guid _default = new("58ca604b-017d-0374-0220-00000000014e");

    private static readonly Configured _pools = new()
    {
        Kind = "macpool",
        Path = "macpools",
        Title = "MacPool",
        Shape = Shapes.MacPool,
        BuiltIn = _ => [Shapes.MacPool.New(_default, null)
            .With("name", "Default").With("description", "Default MAC pool").With("allow_duplicates", false).With("default_pool", true)
            .With("ranges", [Shapes.Range.New().With("from", "56:6f:00:00:00:00").With("to", "56:6f:ff:ff:ff:ff")])],
        Check = (_, _, pool) => Check(pool),
    };

    public static void Map(Router router) => _pools.Map(router);

    /// <summary>An address for a NIC, that no VM has.</summary>
    public static async Task<string> Take(ApiCall call)
    {
        var pool = await _pools.Read(call, call.World.Catalogue, _default);
        return await call.World.Catalogue.TakeMac(Ranges(pool), call.Cancel)
            ?? throw FaultException.Conflict("The MAC pool Default has no free address left; add a range to it, or give one in mac.address");
    }

    private static Task Check(Element pool)
    {
        Ranges(pool);
        if (pool.Id != _default.ToString())
            throw FaultException.NotYet("A second MAC pool", $"Add ranges to the one of all clusters: PUT macpools/{_default}.");
        if (pool.Flag("allow_duplicates") == true) throw FaultException.NotYet("A MAC pool that gives an address twice", "Give it in mac.address.");
        if (pool.Flag("default_pool") == false) throw FaultException.Conflict("This is the only MAC pool, so it is the default one");
        return Task.CompletedTask;
    }

    private static List<MacRange> Ranges(Element pool)
    {
        if (pool.Many("ranges") is not { Count: > 0 } given) throw FaultException.Missing("MacPool", "ranges", "update");
        var ranges = new List<MacRange>();
        foreach (var range in given)
        {
            var (from, to) = (Number(range, "from"), Number(range, "to"));
            if (from > to) throw FaultException.Bad($"MacPool.ranges: {range.Text("from")} is behind {range.Text("to")}; the smaller comes first");
            if (((from >> 40) & 1) == 1 || from >> 40 != to >> 40)
                throw FaultException.Bad($"MacPool.ranges: from {range.Text("from")} to {range.Text("to")} holds multicast addresses; the first octet must be even, and the same in both");
            ranges.Add(new MacRange(from, to));
        }

        return ranges;
    }

    private static long Number(Element range, string field) => MacRange.Number(range.Text(field) ?? "")
        ?? throw FaultException.Bad($"MacPool.ranges.{field} is '{range.Text(field)}', which is not six octets such as 56:6f:00:00:00:01");
}
