using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>Work on images that running guests have open: only their hypervisor can do it. All of it may be said again.</summary>
/// <remarks>What could not be done is an <see cref="ImageWorkException"/>; <see cref="GuestAwayException"/> when nobody here
/// knows what became of it.</remarks>
public interface IGuestImages
{
    /// <summary>Completes when each write of the guest goes to the copy, too, before it is answered.</summary>
    /// <param name="percent">Hears how much is copied.</param>
    Task Mirror(GuestKey guest, Guid disk, string destination, DiskFormat format, Action<int> percent, CancellationToken cancel);

    /// <summary>Completes when the guest writes the copy alone.</summary>
    Task Switch(GuestKey guest, Guid disk, string destination, CancellationToken cancel);

    /// <summary>Completes when the guest's disk has that size, or more.</summary>
    Task Grow(GuestKey guest, Guid disk, long sizeBytes, CancellationToken cancel);

    /// <summary>Completes when the guest goes on in these images, in all of them since one moment. Each rests on the one it has.</summary>
    /// <returns>Why its file systems did not stand still for that moment, where its agent should have seen to it.</returns>
    /// <exception cref="ImageWorkException">It writes the old ones.</exception>
    Task<string?> TakeSnapshot(GuestKey guest, ImmutableArray<GuestLayer> layers, CancellationToken cancel);

    /// <summary>Completes when all of an image is in the one that it rests on, and the guest reads it from there.</summary>
    /// <param name="top">Not the one that the guest writes.</param>
    /// <param name="percent">Hears how much is done.</param>
    Task Merge(GuestKey guest, Guid disk, string top, string below, Action<int> percent, CancellationToken cancel);

    /// <summary>Completes when the guest writes its old image alone.</summary>
    /// <exception cref="ImageWorkException">It writes the copy alone.</exception>
    Task TurnBack(GuestKey guest, Guid disk, string destination, CancellationToken cancel);
}

/// <summary>The guest is not here under that lease, or its hypervisor does not answer.</summary>
public sealed class GuestAwayException(string message, Exception? cause = null) : Exception(message, cause);
