using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Deciders;

/// <summary>A copy of a state is the state: nothing that a rule looks at is lost on its way through JSON.</summary>
public sealed class Copies
{
    public static TheoryData<Type> States =>
    [
        typeof(DataCenterState), typeof(DiskState), typeof(HostState), typeof(StorageDomainState), typeof(TemplateState),
        typeof(VmState),
    ];

    [Theory]
    [MemberData(nameof(States))]
    public void A_state_read_back_is_the_same_in_all_that_it_shows(Type family) => Seeds.Each(500, (random, history) =>
    {
        var making = new Making(random);
        foreach (var phase in Making.Family(family))
        {
            var written = WireJson.Write(making.One(phase));
            history.Add(written);
            Assert.Equal(written, WireJson.Write(WireJson.Read(written, phase)));
        }
    });
}
