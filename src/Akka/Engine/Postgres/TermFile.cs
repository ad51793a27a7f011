using System.Globalization;

namespace Orchestrator.Engine.Postgres;

/// <summary>
/// The newest term that this node has seen, across its restarts: "number token system-id timeline". Without a file
/// (path "") the memory ends with the process, and a node that starts while only a former primary can be reached would
/// take it for the real one.
/// </summary>
internal sealed class TermFile(string path)
{
    private readonly Lock gate = new();

    /// <exception cref="StoreRefusedException">The file is not what we wrote.</exception>
    public Term? Read()
    {
        if (path.Length == 0 || !File.Exists(path)) return null;
        if (File.ReadAllText(path).Split(' ', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                is [var number, var token, var system, var timeline]
            && long.TryParse(number, CultureInfo.InvariantCulture, out var n) && Guid.TryParse(token, out var t)
            && long.TryParse(system, CultureInfo.InvariantCulture, out var s)
            && int.TryParse(timeline, CultureInfo.InvariantCulture, out var l))
        {
            return new Term(n, t, s, l);
        }

        throw new StoreRefusedException(
            $"{path} does not hold a term of the database. Remove it if every server but the real primary is off.");
    }

    /// <exception cref="StoreRefusedException">The file cannot be written: a node without its memory must not go on.</exception>
    public void Write(Term term)
    {
        if (path.Length == 0) return;
        try
        {
            lock (gate)
            {
                if (Path.GetDirectoryName(path) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
                var fresh = path + ".new";
                File.WriteAllText(fresh, string.Create(CultureInfo.InvariantCulture,
                    $"{term.Number} {term.Token} {term.SystemId} {term.Timeline}\n"));
                File.Move(fresh, path, overwrite: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException($"{path} (orchestrator.database.term-file) cannot be written: {e.Message}");
        }
    }
}
