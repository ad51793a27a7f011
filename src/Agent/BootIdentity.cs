using System.Globalization;
using Orchestrator.Agent.Ledgers;

namespace Orchestrator.Agent;

/// <summary>
/// Which start of the machine this is, and the how-many-eth agent within it. Kept in a folder that the machine loses
/// when it stops (as /run), so a new boot has a new id and a restarted agent has the old one.
/// </summary>
/// <param name="Incarnation">From 1; event numbers start above those of the incarnation before.</param>
public sealed record BootIdentity(string BootId, int Incarnation)
{
    /// <summary>Room for the events of one agent run; 2^53 / 2^32 restarts stay exact in every JSON reader.</summary>
    public long FirstSequence => (long)Incarnation << 32;

    public BootIdentity Restarted => this with { Incarnation = Incarnation + 1 };

    /// <summary>Takes up the identity in the folder, or begins a new one there.</summary>
    public static BootIdentity TakeUp(string runFolder, Func<string> newId)
    {
        Directory.CreateDirectory(runFolder);
        var path = Path.Combine(runFolder, "boot");
        var words = File.Exists(path) ? File.ReadAllText(path).Split() : [];
        var identity = words is [var id, var n, ..] && int.TryParse(n, CultureInfo.InvariantCulture, out var before)
            ? new BootIdentity(id, before + 1)
            : new BootIdentity(newId(), 1);

        Write(path, identity);
        return identity;
    }

    /// <summary>Gives the running agent another boot: event numbers go on rising.</summary>
    public static BootIdentity BeginAnew(string runFolder, Func<string> newId)
    {
        var path = Path.Combine(runFolder, "boot");
        var identity = new BootIdentity(newId(), int.Parse(File.ReadAllText(path).Split()[1], CultureInfo.InvariantCulture));
        Write(path, identity);
        return identity;
    }

    private static void Write(string path, BootIdentity identity)
    {
        File.WriteAllText(path + ".new", $"{identity.BootId} {identity.Incarnation}\n");
        File.Move(path + ".new", path, overwrite: true);
        Folder.Sync(Path.GetDirectoryName(path)!);
    }
}
