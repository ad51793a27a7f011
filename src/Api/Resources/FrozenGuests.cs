using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>A guest's file systems stand still for a backup of the client's own, by the agent in the guest. Nothing of it is kept: who
/// freezes must thaw.</summary>
internal static class FrozenGuests
{
    public static readonly string[] Actions = ["freezefilesystems", "thawfilesystems"];

    public static void Map(Router router) => router
        .Post("vms/{id}/freezefilesystems", call => Do(call, FileSystemsAct.Freeze))
        .Post("vms/{id}/thawfilesystems", call => Do(call, FileSystemsAct.Thaw));

    private static async Task<Answer> Do(ApiCall call, FileSystemsAct act)
    {
        await call.ReadBody(Shapes.Action);
        var vm = await call.Ask<VmView>(Kinds.Vm, call.Id(), new Look());
        if (vm.Status is not ("up" or "powering_up") || GuestPlace.Of(vm) is not { } guest) throw FaultTable.Refusal(Fault.VmNotRunning, null);
        try
        {
            await call.World.Consoles.FileSystems(guest, act, call.Cancel);
        }
        catch (ConsoleRefusedException refused)
        {
            throw FaultException.Conflict($"The guest's file systems were not {(act == FileSystemsAct.Freeze ? "frozen" : "thawed")}: {refused.Message}");
        }

        return Acts.Complete();
    }
}
