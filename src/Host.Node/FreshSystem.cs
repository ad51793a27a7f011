using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Host.Node;

/// <summary>What a fresh oVirt contains and clients expect: data center and cluster Default, template Blank. Asked for
/// at every start under the same jobs, so it is made once; what an operator removed stays removed.</summary>
internal static class FreshSystem
{
    private static readonly Guid _center = new("58ca6044-0393-02eb-0148-0000000001b8");
    private static readonly Guid _cluster = new("58ca6045-01b9-0342-00cc-0000000002b4");

    public static async Task Ensure(IEntities entities, IReadModel read, TimeProvider clock, CancellationToken cancel)
    {
        Origin By(int number) => Origin.System(
            new Guid($"58ca6046-0000-4000-8000-{number:d12}"), clock.GetUtcNow());

        await read.ClaimName(Kinds.DataCenter, "", "Default", _center, cancel);
        await entities.Ask(Kinds.DataCenter, _center, new DataCenterCommand.Create(By(1), new DataCenterConfig
        {
            Name = "Default",
            Description = "The default Data Center",
        }), cancel);

        await read.ClaimName(Kinds.Cluster, "", "Default", _cluster, cancel);
        await entities.Ask(Kinds.Cluster, _cluster, new ClusterCommand.Create(By(2), new ClusterConfig
        {
            Name = "Default",
            DataCenter = new DataCenterId(_center),
            Description = "The default server cluster",
        }), cancel);

        await read.ClaimName(Kinds.Template, "", "Blank", TemplateId.Blank.Value, cancel);
        await entities.Ask(Kinds.Template, TemplateId.Blank.Value, new TemplateCommand.Create(By(3), new VmConfig
        {
            Name = "Blank",
            Cluster = new ClusterId(_cluster),
            Description = "Blank template",
            Memory = 1L << 30,
        }, []), cancel);
    }
}
