namespace Orchestrator.Actors.Disk;

/// <summary>What a disk asks of the world.</summary>
public abstract record DiskEffect
{
    private DiskEffect()
    {
    }

    public sealed record MakeImage(HostId Host, Guid Work) : DiskEffect;

    public sealed record DeleteImage(HostId Host, Guid Work) : DiskEffect;
}
