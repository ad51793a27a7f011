namespace Orchestrator.Agent.Libvirt;

/// <summary>What can be changed of a running guest without another device.</summary>
internal static unsafe class Tuning
{
    private const uint Live = 1;

    /// <summary>What the kernel gives to who asks for nothing.</summary>
    private const int UsualShares = 1024;

    /// <param name="target">The disk's name in the domain.</param>
    public static int Limit(nint domain, string target, IReadOnlyList<(string Name, long Value)> limits) => With(
        limits.Select(l => (l.Name, (ulong)l.Value)), (values, count) => Native.virDomainSetBlockIoTune(domain, target, (Native.TypedParam*)values, count, Live));

    public static int Weigh(nint domain, int shares) => With(
        [("cpu_shares", (ulong)(shares == 0 ? UsualShares : shares))],
        (values, count) => Native.virDomainSetSchedulerParametersFlags(domain, (Native.TypedParam*)values, count, Live));

    private static int With(IEnumerable<(string Name, ulong Value)> all, Func<nint, int, int> call)
    {
        Native.TypedParam* values = null;
        int count = 0, room = 0;
        try
        {
            foreach (var (name, value) in all) _ = Native.virTypedParamsAddULLong(ref values, ref count, ref room, name, value);
            return call((nint)values, count);
        }
        finally
        {
            Native.virTypedParamsFree(values, count);
        }
    }
}
