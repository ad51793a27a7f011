using System.Globalization;
using Orchestrator.Tests.Cluster.Harness;
using Orchestrator.Tests.Cluster.Takeover;

// Bar 2: three nodes with 10,000 VMs in memory; one is killed, one frozen, one leaves. Ends with 1 when a bar is missed.
if (TestCluster.Obstacle is { } obstacle)
{
    Console.Error.WriteLine($"bench/Takeover cannot run here: {obstacle}");
    return 2;
}

var count = args is [var text, ..] ? int.Parse(text, CultureInfo.InvariantCulture) : 10_000;
var missed = 0;
var options = new TestClusterOptions { Hosts = 4, Watched = false, Durable = true, More = TakeoverRounds.Settings };
await TestCluster.Run(options, Console.WriteLine, async cluster =>
{
    var vms = await ManyVms.Make(cluster, count);
    await using var asker = await AskingMember.Join(cluster);
    var rounds = new TakeoverRounds(cluster, asker, vms);
    for (var round = 0; round < 3; round++)
    {
        var kill = await rounds.Kill(cluster.Nodes[round]);
        Console.WriteLine($"\n{kill}");
        Bar("kill -9: median entity answers within", kill.Median, 1);
        Bar("kill -9: all entities answer within", kill.Worst, 5);
        var freeze = await rounds.Freeze(cluster.Nodes[(round + 1) % 3]);
        Console.WriteLine($"{freeze}");
        Bar("SIGSTOP: all entities answer within", freeze.Worst, 5);
        var leave = await rounds.Leave(cluster.Nodes[(round + 2) % 3]);
        Console.WriteLine($"{leave}");
        Bar("SIGTERM: no question waits longer than", leave.Worst, 0.5);
        Bar("SIGTERM: no PUT over REST waits longer than", leave.OverRest[^1], 0.5);
    }
});
return missed == 0 ? 0 : 1;

void Bar(string what, TimeSpan took, double limit)
{
    var kept = took.TotalSeconds < limit;
    if (!kept) missed++;
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"  {(kept ? "kept  " : "MISSED")}  {what,-45} {limit:0.0} s  {took.TotalSeconds:0.00} s"));
}
