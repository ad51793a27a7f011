using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Resources;

/// <summary>Commands that may change the machine of a guest that runs. As in oVirt they are answered when that is done, or is
/// not; and one that comes while another is under way waits for its turn.</summary>
internal static class HotPlug
{
    /// <summary>A guest that lets no device go is waited for 30 s.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(75);

    private static readonly TimeSpan _lookEvery = TimeSpan.FromMilliseconds(200);

    /// <exception cref="FaultException">Refused, or the guest did not get or let go what was asked.</exception>
    public static async Task<VmView> Ask(ApiCall call, Guid vm, Origin origin, VmCommand command)
    {
        var view = await Try(call, vm, origin, command);
        return view.ReshapeFault is { } fault && fault.Job == origin.Job
            ? throw FaultTable.Refusal(Fault.VmReshapeFailed, fault.Reason)
            : view;
    }

    /// <summary>As <see cref="Ask"/>, of what waits for the next start where the guest does not get it.</summary>
    public static async Task<VmView> Try(ApiCall call, Guid vm, Origin origin, VmCommand command)
    {
        var began = call.World.Clock.GetTimestamp();
        var view = WireJson.Read<VmView>(await Turn(call, vm, command, began));
        while (view.Reshape == origin.Job && !call.Parameters.Async && IsPatient(call, began))
        {
            await Task.Delay(_lookEvery, call.World.Clock, call.Cancel);
            view = await call.Ask<VmView>(Kinds.Vm, vm, new Look());
        }

        return view;
    }

    private static async Task<string> Turn(ApiCall call, Guid vm, VmCommand command, long began)
    {
        while (true)
            switch (await call.World.Entities.Ask(Kinds.Vm, vm, command, call.Cancel))
            {
                case Reply.Accepted accepted: return accepted.View;
                case Reply.AlreadyDone done: return done.View;
                case Reply.Refused { Fault: Fault.VmBeingChanged } when IsPatient(call, began):
                    await Task.Delay(_lookEvery, call.World.Clock, call.Cancel);
                    break;
                case Reply.Refused refused: throw FaultTable.Refusal(refused.Fault, refused.Detail);
                case var other: throw new InvalidOperationException($"VM {vm} answered with {other.GetType().Name}");
            }
    }

    private static bool IsPatient(ApiCall call, long began) => call.World.Clock.GetElapsedTime(began) < _patience;
}
