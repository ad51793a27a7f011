using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>vms/{id}/numanodes. They are part of the definition, so a VM that runs gets a change at its next start.</summary>
internal static class NumaNodes
{
    public static void Map(Router router) => router
        .Get("vms/{id}/numanodes", async call => Answer.Of(Shapes.NumaNode, [.. Nodes(await Vms.Read(call)).Select(n => Show(call.Id(), n))]))
        .Post("vms/{id}/numanodes", Add)
        .Get("vms/{id}/numanodes/{id}", async call => Answer.Of(Show(call.Id(), await Find(call))))
        .Put("vms/{id}/numanodes/{id}", Update)
        .Delete("vms/{id}/numanodes/{id}", Remove);

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.NumaNode);
        var vm = await Vms.Read(call);
        var node = Of(body, new NumaNode(
            Names.NewId(body),
            body.Integer("index") ?? throw FaultException.Missing("VirtualNumaNode", "index", "add"),
            body.Number("memory") ?? throw FaultException.Missing("VirtualNumaNode", "memory", "add"), "", "", "interleave"));
        await Set(call, vm, Nodes(vm).Add(node));
        return Answer.Created(Show(vm.Id.Value, node), pending: false);
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.NumaNode);
        var vm = await Vms.Read(call);
        var present = await Find(call);
        var node = Of(body, present);
        if (node != present) await Set(call, vm, Nodes(vm).Replace(present, node));
        return Answer.Of(Show(vm.Id.Value, node));
    }

    private static async Task<Answer> Remove(ApiCall call)
    {
        var vm = await Vms.Read(call);
        await Set(call, vm, Nodes(vm).Remove(await Find(call)));
        return Acts.Complete();
    }

    private static Task Set(ApiCall call, VmView vm, ImmutableArray<NumaNode> nodes)
    {
        var patch = new VmPatch { Hardware = (vm.Config.Hardware ?? VmHardware.Usual) with { NumaNodes = [.. nodes.OrderBy(n => n.Index)] } };
        Definitions.Checked(patch.Apply(vm.Config));
        return call.Ask(Kinds.Vm, call.Id(), new VmCommand.Update(call.NewOrigin(), patch));
    }

    private static NumaNode Of(Element body, NumaNode present) => present with
    {
        Index = body.Integer("index") ?? present.Index,
        MemoryMib = body.Number("memory") ?? present.MemoryMib,
        Cpus = body.One("cpu")?.Many("cores") is { } cores ? Set(cores, "cpu.cores") : present.Cpus,
        HostNodes = body.Many("numa_node_pins") is { } pins ? Set(pins, "numa_node_pins") : present.HostNodes,
        Mode = body.Text("numa_tune_mode") ?? present.Mode,
    };

    private static string Set(IReadOnlyList<Element> items, string field) => string.Join(',', items
        .Select(i => i.Integer("index") is { } index and >= 0 ? index : throw FaultException.Bad($"VirtualNumaNode.{field}: each needs an index of 0 or more"))
        .Distinct().Order());

    private static ImmutableArray<NumaNode> Nodes(VmView vm) => vm.Config.Hardware?.NumaNodes ?? [];

    private static async Task<NumaNode> Find(ApiCall call) =>
        Nodes(await Vms.Read(call)).FirstOrDefault(n => n.Id == call.Id(1)) ?? throw FaultException.Unknown("NUMA node", call.Ids[1]);

    private static Element Show(Guid vm, NumaNode node) => Shapes.NumaNode.New(node.Id, $"{Hrefs.Vm(vm)}/numanodes/{node.Id}")
        .With("cpu", Shapes.Cpu.New().With("cores", [.. (HardwareRules.Numbers(node.Cpus) ?? []).Select(c => Shapes.Core.New().With("index", c))]))
        .With("index", node.Index)
        .With("memory", node.MemoryMib)
        .With("numa_node_pins", [.. (HardwareRules.Numbers(node.HostNodes) ?? []).Select(n => Shapes.NumaNodePin.New().With("index", n))])
        .With("numa_tune_mode", node.Mode)
        .With("vm", Refs.To(new VmId(vm)));
}
