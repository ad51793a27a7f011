using System.Net.WebSockets;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Api;

/// <summary>The way to guests that run, past their journals: consoles, and file systems that stand still for a while.</summary>
public interface IConsoles
{
    /// <summary>Where its screen is shown; null where it has none, or its host does not say.</summary>
    /// <exception cref="EntityUnavailableException">Its host does not answer.</exception>
    Task<ConsoleAddress?> Find(GuestPlace guest, CancellationToken cancel);

    /// <summary>From now on its screen is shown for this password.</summary>
    /// <exception cref="ConsoleRefusedException"/>
    /// <exception cref="EntityUnavailableException">Its host does not answer: the password may be set.</exception>
    Task<ConsoleAddress> SetTicket(GuestPlace guest, string password, TimeSpan validity, CancellationToken cancel);

    /// <summary>Its file systems stand still, or go on.</summary>
    /// <exception cref="ConsoleRefusedException"/>
    /// <exception cref="EntityUnavailableException">Its host does not answer: it may have been done.</exception>
    Task FileSystems(GuestPlace guest, FileSystemsAct act, CancellationToken cancel);

    /// <summary>The bytes of a console. A refusal of the agent comes as the end of the socket.</summary>
    /// <exception cref="EntityUnavailableException">Its host does not answer.</exception>
    Task<WebSocket> Open(GuestPlace guest, ConsoleKind kind, CancellationToken cancel);
}

/// <summary>One life of a VM, where it runs.</summary>
public sealed record GuestPlace(VmId Vm, HostId Host, long Lease)
{
    /// <summary>Null while it is not known to run anywhere.</summary>
    public static GuestPlace? Of(VmView vm) => vm is { Host: { } host, HeldLease: > 0 } ? new GuestPlace(vm.Id, host, vm.HeldLease) : null;
}

/// <summary>The host's agent said no, and why.</summary>
public sealed class ConsoleRefusedException(string message) : Exception(message);
