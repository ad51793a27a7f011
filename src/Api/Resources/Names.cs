using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>
/// Names that are unique in their kind: claimed before the command, given back when the command is refused. When it is
/// not known whether the command was accepted, the claim stays; it ends by itself if no document confirms it.
/// </summary>
internal static class Names
{
    private const int MaxLength = 255;

    /// <exception cref="FaultException">400: no name, or one that cannot be.</exception>
    public static string Required(Element body, string type, string method = "add")
    {
        var name = body.Text("name");
        if (string.IsNullOrWhiteSpace(name)) throw FaultException.Missing(type, "name", method);
        return Checked(name, type);
    }

    /// <summary>The new name, or null when the body leaves it as it is.</summary>
    public static string? Changed(Element body, string type, string present) =>
        body.Text("name") is { } name && name != present ? Required(body, type, "update") : null;

    public static string Checked(string name, string type)
    {
        if (name.Length > MaxLength)
            throw FaultException.Bad($"{type}.name has {name.Length} characters; {MaxLength} are the most");
        if (name.Any(letter => char.IsControl(letter) || letter is '/' or '\\' or '<' or '>' or '"' or '\'')
            || name.Trim().Length != name.Length)
            throw FaultException.Bad($"{type}.name must not contain slashes, quotes, angle brackets or control characters, "
                + "nor begin or end with a space");
        return name;
    }

    /// <summary>Runs a command under a fresh claim on the name.</summary>
    /// <exception cref="FaultException">409: another object has the name.</exception>
    public static async Task<TResult> Claiming<TResult>(
        ApiCall call, string kind, string name, Guid id, Func<Task<TResult>> command)
    {
        if (!await call.World.Read.ClaimName(kind, "", name, id, call.Cancel))
            throw FaultException.Conflict($"The name {name} is in use by another {kind}; choose another name");
        try
        {
            return await command();
        }
        catch (FaultException)
        {
            await call.World.Read.ReleaseName(kind, "", name, id, call.Cancel);
            throw;
        }
    }

    /// <summary>Runs an update; when it changes the name, under a claim on the new one, and frees the old
    /// one.</summary>
    public static async Task<TResult> Renaming<TResult>(
        ApiCall call, string kind, string? newName, string oldName, Guid id, Func<Task<TResult>> command)
    {
        if (newName is null) return await command();
        var result = await Claiming(call, kind, newName, id, command);
        await call.World.Read.ReleaseName(kind, "", oldName, id, call.Cancel);
        return result;
    }

    /// <summary>The id that the body asks for, or a new one.</summary>
    public static Guid NewId(Element body) => Refs.IdOf(body) is { } given && given != Guid.Empty
        ? given
        : Guid.NewGuid();
}
