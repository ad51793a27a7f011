namespace Orchestrator.Agent.Survival;

/// <summary>The memory of a real machine: files in a folder that it loses when it stops.</summary>
public sealed class RunMemory(string folder, Func<string> newId) : IBootMemory
{
    private string LeaseFile => Path.Combine(folder, "lease");

    public string? Lease
    {
        get => File.Exists(LeaseFile) ? File.ReadAllText(LeaseFile) : null;
        set
        {
            if (value is null)
            {
                File.Delete(LeaseFile);
                return;
            }

            File.WriteAllText(LeaseFile + ".new", value + "\n");
            File.Move(LeaseFile + ".new", LeaseFile, overwrite: true);
        }
    }

    public string BeginAnew()
    {
        // In this order: an agent that dies in between finds an ended lease, and does the same once more. The other way
        // round it would go on in a boot that the engine may count as dead, and never be believed.
        var boot = BootIdentity.BeginAnew(folder, newId).BootId;
        Lease = null;
        return boot;
    }
}
