using Orchestrator.Actors.Journal;
using static Orchestrator.Actors.Vm.VmCommand;
using static Orchestrator.Actors.Vm.VmDecider;
using static Orchestrator.Actors.Vm.VmEvent;
using static Orchestrator.Actors.Vm.VmState;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Vm.VmEvent, Orchestrator.Actors.Vm.VmEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Vm;

/// <summary>Who looked at a VM, or was let: for the audit log. Tickets themselves are nowhere in the journal.</summary>
internal static class VmConsoles
{
    public static Decision Note(VmState vm, NoteConsole c) => c.Step is ConsoleStep.TicketFailed or ConsoleStep.Disconnected
        ? Accept(new ConsoleUsed(c.Origin, c.Step, c.Console, c.Detail))
        : vm switch
        {
            Sought                                           => No(Fault.VmSought),
            Orphaned                                         => No(Fault.VmHostUnknown),
            Down or VmState.Suspended or Placing or Starting => No(Fault.VmNotRunning),
            _                                                => Accept(new ConsoleUsed(c.Origin, c.Step, c.Console, c.Detail)),
        };

    public static (int Code, Severity Severity, string Text) Line(ConsoleUsed e, string vm) => e.Step switch
    {
        ConsoleStep.Ticket => (164, Severity.Normal, $"User {e.Origin.User} initiated a {e.Console} console session for VM {vm}."),
        ConsoleStep.TicketFailed => (165, Severity.Error,
            $"User {e.Origin.User} failed to initiate a {e.Console} console session for VM {vm}: {e.Detail}."),
        ConsoleStep.Connected => (167, Severity.Normal, $"User {e.Origin.User} is connected to VM {vm} by its {e.Console} console."),
        _ => (168, Severity.Normal, $"User {e.Origin.User} got disconnected from the {e.Console} console of VM {vm}{(e.Detail == "" ? "" : $": {e.Detail}")}."),
    };
}

/// <summary>What a user did with a console.</summary>
public enum ConsoleStep
{
    Ticket,
    TicketFailed,
    Connected,
    Disconnected,
}
