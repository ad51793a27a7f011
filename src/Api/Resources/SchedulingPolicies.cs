using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>The one policy by which clusters are scheduled (<see cref="Orchestrator.Actors.Cluster.Placement"/>), under oVirt's
/// name and id for it, with the units that it really has.</summary>
internal static class SchedulingPolicies
{
    private static readonly Guid _none = new("b4ed2332-a7ac-4d5f-9596-99a439cb2812");

    private static readonly (string Name, string Type, string Words)[] _units =
    [
        ("CPU", "filter", "The host has at least a sixteenth of the VM's virtual CPUs"),
        ("Memory", "filter", "The host's memory, times overcommit, less what guests have and were promised, covers the VM"),
        ("Migration", "filter", "Not the source of the migration nor a host that failed before, and it has an address in the migration network"),
        ("PinToHost", "filter", "A pinned VM is on one of its hosts only"),
        ("OptimalForMemoryEvenDistribution", "weight", "The host with most free memory comes first"),
        ("PreferredHosts", "weight", "Hosts that the VM prefers come before all others"),
        ("None", "load_balancing", "VMs stay where they are"),
    ];

    private static string Path => $"{Hrefs.Base}/schedulingpolicies/{_none}";

    public static void Map(Router router)
    {
        router.Get("schedulingpolicies", _ => Task.FromResult(Answer.Of(Shapes.SchedulingPolicy, [Policy()])))
            .Get("schedulingpolicies/{id}", call => Task.FromResult(Answer.Of(The(call))))
            .Get("schedulingpolicyunits", call => Task.FromResult(Answer.Of(
                Shapes.SchedulingPolicyUnit, [.. _units.Take(call.Parameters.Max ?? int.MaxValue).Select(Unit)])))
            .Get("schedulingpolicyunits/{id}", call => Task.FromResult(Answer.Of(
                _units.Select(Unit).FirstOrDefault(unit => unit.Id == call.Id().ToString())
                ?? throw FaultException.Unknown("scheduling policy unit", call.Ids[0]))));
        Parts(router, "filters", "filter", Shapes.Filter);
        Parts(router, "weights", "weight", Shapes.Weight);
        Parts(router, "balances", "load_balancing", Shapes.Balance);
    }

    private static void Parts(Router router, string plural, string type, Shape shape)
    {
        Element[] All(ApiCall call)
        {
            The(call);
            return [.. _units.Where(unit => unit.Type == type).Select(unit =>
            {
                var part = shape.New(IdOf(unit.Name), $"{Path}/{plural}/{IdOf(unit.Name)}")
                    .With("name", unit.Name).With("scheduling_policy_unit", Shapes.SchedulingPolicyUnit.New(IdOf(unit.Name), $"{Hrefs.Base}/schedulingpolicyunits/{IdOf(unit.Name)}"))
                    .With("scheduling_policy", Shapes.SchedulingPolicy.New(_none, Path));
                if (shape.IndexOf("factor") >= 0) part.With("factor", unit.Name == "PreferredHosts" ? 99 : 1);
                return part;
            })];
        }

        router.Get($"schedulingpolicies/{{id}}/{plural}", call => Task.FromResult(Answer.Of(shape, All(call))))
            .Get($"schedulingpolicies/{{id}}/{plural}/{{id}}", call => Task.FromResult(Answer.Of(
                Array.Find(All(call), part => part.Id == call.Id(1).ToString()) ?? throw FaultException.Unknown(shape.Name, call.Ids[1]))));
    }

    private static Element The(ApiCall call) =>
        call.Id() == _none ? Policy() : throw FaultException.Unknown("scheduling policy", call.Ids[0]);

    private static Element Policy() => Shapes.SchedulingPolicy.New(_none, Path)
        .With("name", "none").With("description", "VMs start where most memory is free, and stay there")
        .With("default_policy", true).With("locked", true)
        .WithLink("filters", $"{Path}/filters").WithLink("weights", $"{Path}/weights").WithLink("balances", $"{Path}/balances");

    private static Guid IdOf(string unit) => NamedIds.Of($"scheduling policy unit {unit}");

    private static Element Unit((string Name, string Type, string Words) unit) => Shapes.SchedulingPolicyUnit
        .New(IdOf(unit.Name), $"{Hrefs.Base}/schedulingpolicyunits/{IdOf(unit.Name)}")
        .With("name", unit.Name).With("description", unit.Words).With("enabled", true).With("internal", true).With("type", unit.Type);
}
