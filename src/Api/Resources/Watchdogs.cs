using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>The watchdog of a VM: none or one, which has the VM's own id. It is part of the definition, so a VM that runs gets
/// the change at its next start.</summary>
internal static class Watchdogs
{
    public static void Map(Router router) => router
        .Get("vms/{id}/watchdogs", List)
        .Post("vms/{id}/watchdogs", Add)
        .Get("vms/{id}/watchdogs/{id}", async call => Answer.Of(Show(call.Id(), await Present(call))))
        .Put("vms/{id}/watchdogs/{id}", Update)
        .Delete("vms/{id}/watchdogs/{id}", Remove);

    private static async Task<Answer> List(ApiCall call) =>
        Answer.Of(Shapes.Watchdog, (await Vms.Read(call)).Config.Watchdog is { } watchdog ? [Show(call.Id(), watchdog)] : []);

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Watchdog);
        var vm = await Vms.Read(call);
        var watchdog = new Watchdog(
            body.Text("model") ?? throw FaultException.Missing("Watchdog", "model", "add"),
            body.Text("action") ?? throw FaultException.Missing("Watchdog", "action", "add"));
        if (vm.Config.Watchdog is not null) throw FaultTable.Refusal(Fault.AlreadyExists, "The VM has a watchdog");
        await Set(call, watchdog);
        return Answer.Created(Show(call.Id(), watchdog), pending: false);
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Watchdog);
        var present = await Present(call);
        var watchdog = new Watchdog(body.Text("model") ?? present.Model, body.Text("action") ?? present.Action);
        await Set(call, watchdog);
        return Answer.Of(Show(call.Id(), watchdog));
    }

    private static async Task<Answer> Remove(ApiCall call)
    {
        await Present(call);
        await Set(call, new Watchdog("", ""));
        return Acts.Complete();
    }

    private static Task Set(ApiCall call, Watchdog watchdog) =>
        call.Ask(Kinds.Vm, call.Id(), new VmCommand.Update(call.NewOrigin(), new VmPatch { Watchdog = watchdog }));

    /// <exception cref="FaultException">404.</exception>
    private static async Task<Watchdog> Present(ApiCall call) =>
        (await Vms.Read(call)).Config.Watchdog is { } watchdog && call.Id(1) == call.Id()
            ? watchdog
            : throw FaultException.Unknown("watchdog", call.Ids[1]);

    private static Element Show(Guid vm, Watchdog watchdog) =>
        Shapes.Watchdog.New(vm, $"{Hrefs.Vm(vm)}/watchdogs/{vm}")
            .With("action", watchdog.Action)
            .With("model", watchdog.Model)
            .With("vm", Refs.To(new VmId(vm)));
}
