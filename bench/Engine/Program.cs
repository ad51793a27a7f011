using System.Globalization;
using Orchestrator.Bench.Engine;
using Orchestrator.Tests.Cluster.Harness;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
switch (args)
{
    case ["node", var file]:
        await BenchNode.Run(file);
        return 0;
    case ["echo", var pki, var ask, var reply]:
        await Echo.Serve(Installation.Identity(pki), int.Parse(ask), int.Parse(reply), port => Console.WriteLine($"= {port}"));
        return 0;
}

if (!PrivatePostgres.IsInstalled)
{
    Console.Error.WriteLine("cannot measure here: PostgreSQL 15 is not installed");
    return 2;
}

var report = new Report();
await using (var installation = await Installation.Start())
{
    var all = args.Length == 0;
    if (all || args.Contains("tells")) await Measures.MeasureTells(report);
    if (all || args.Contains("asks")) await Measures.MeasureAsks(installation, report);
    if (all || args.Contains("persists")) await Measures.MeasurePersists(installation, report);
    if (all || args.Contains("memory")) await Measures.MeasureMemory(installation, report);
    if (all || args.Contains("recovery")) await Measures.MeasureRecovery(installation, report);
}

return report.Close();
