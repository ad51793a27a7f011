namespace Orchestrator.Agent.Protocol;

public enum FileSystemsAct { Freeze, Thaw }

/// <summary>All file systems of the guest under this lease stand still, or go on. Carried out before it is answered.</summary>
public sealed record FileSystemsOrder(Stamp Stamp, long Lease, FileSystemsAct Act)
{
    /// <summary>How long a guest may take until its file systems stand still (oVirt's LiveSnapshotFreezeTimeout).</summary>
    public const int PatienceSeconds = 8;
}
