namespace Orchestrator.Api.Access;

/// <summary>A person or a group, as a directory has it.</summary>
/// <param name="Name">By which a person logs in, without the profile.</param>
/// <param name="ExternalId">Its distinguished name.</param>
public sealed record DirectoryEntry(string Name, string ExternalId)
{
    public string FirstName { get; init; } = "";

    public string LastName { get; init; } = "";

    public string Email { get; init; } = "";

    public string Department { get; init; } = "";

    /// <summary>Of the groups that a person is in, by however many steps; only after a login.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];
}

/// <summary>Where the people of one profile are kept. Answers within seconds, or not at all.</summary>
public interface IDirectory
{
    /// <summary>Behind the @ of its users.</summary>
    string Profile { get; }

    /// <summary>Null: the name or the password is wrong.</summary>
    /// <exception cref="DirectoryAwayException">No server answers.</exception>
    Task<DirectoryEntry?> Authenticate(string name, string password, CancellationToken cancel);

    /// <param name="pattern">A name with "*" for any letters.</param>
    Task<IReadOnlyList<DirectoryEntry>> People(string pattern, int max, CancellationToken cancel);

    /// <inheritdoc cref="People"/>
    Task<IReadOnlyList<DirectoryEntry>> Groups(string pattern, int max, CancellationToken cancel);
}

/// <summary>The directory of a profile cannot be asked now; other profiles can.</summary>
public sealed class DirectoryAwayException(string profile, string why, Exception? cause = null)
    : Exception($"The directory of the profile {profile} does not answer: {why}", cause);

/// <summary>The profiles besides internal.</summary>
public sealed record Directories(IReadOnlyList<IDirectory> All)
{
    public const string Internal = "internal";

    public static Directories None { get; } = new([]);

    public IDirectory? Of(string profile) => All.FirstOrDefault(directory => directory.Profile.Equals(profile, StringComparison.OrdinalIgnoreCase));
}
