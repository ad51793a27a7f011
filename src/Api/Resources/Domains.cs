using System.Text.RegularExpressions;
using Orchestrator.Api.Access;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

/// <summary>The profiles that people log in by, and who is in their directories.</summary>
internal static class Domains
{
    private const int Most = 1000;

    public static void Map(Router router) => router
        .Get("domains", call => Task.FromResult(Answer.Of(
            Shapes.Domain, [.. Profiles(call).Take(call.Parameters.Max ?? int.MaxValue).Select(Show)])))
        .Get("domains/{id}", call => Task.FromResult(Answer.Of(Show(Find(call)))))
        .Get("domains/{id}/users", async call => Answer.Of(Shapes.User, await People(call)))
        .Get("domains/{id}/users/{id}", async call => Answer.Of(One(await People(call), call, "user")))
        .Get("domains/{id}/groups", async call => Answer.Of(Shapes.Group, await GroupsOf(call)))
        .Get("domains/{id}/groups/{id}", async call => Answer.Of(One(await GroupsOf(call), call, "group")));

    public static Element Refer(string profile) => Shapes.Domain.New(IdOf(profile), Hrefs.Domain(IdOf(profile))).With("name", profile);

    /// <summary>The profile that a body names.</summary>
    public static string Resolve(ApiCall call, Element domain) =>
        Profiles(call).FirstOrDefault(profile => domain.Id is { Length: > 0 } id
            ? id == IdOf(profile).ToString()
            : profile.Equals(domain.Text("name"), StringComparison.OrdinalIgnoreCase))
        ?? throw FaultException.Bad($"There is no domain {domain.Id ?? domain.Text("name")}; there are {string.Join(", ", Profiles(call))}");

    public static Account AccountOf(string profile, DirectoryEntry entry) =>
        new(NamedIds.Of($"user {profile} {entry.Name.ToLowerInvariant()}"), $"{entry.Name}@{profile}")
        {
            FirstName = entry.FirstName,
            LastName = entry.LastName,
            Email = entry.Email,
            Department = entry.Department,
            ExternalId = entry.ExternalId,
        };

    /// <exception cref="FaultException">503: the directory does not answer.</exception>
    public static async Task<T> Ask<T>(Func<Task<T>> question)
    {
        try
        {
            return await question();
        }
        catch (DirectoryAwayException away)
        {
            throw new FaultException(503, FaultException.OperationFailed, away.Message) { RetryAfter = 30 };
        }
    }

    /// <summary>The name that a search asks for, by "*", "name=x*", "usrname=x" or "x*".</summary>
    public static NamePattern Pattern(string search, string what)
    {
        var text = search.Trim();
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var field = equals < 0 ? "name" : text[..equals].Trim();
        if (field is not ("name" or "usrname" or "user_and_domain" or "grpname"))
            throw FaultException.Bad($"The search '{search}' cannot be carried out: {what} can be searched by name and usrname only yet");
        return new NamePattern((equals < 0 ? text : text[(equals + 1)..]).Trim().Trim('"'));
    }

    private static IEnumerable<string> Profiles(ApiCall call) =>
        call.World.Directories.All.Select(directory => directory.Profile).Prepend(Directories.Internal);

    private static Guid IdOf(string profile) => NamedIds.Of($"profile {profile}");

    private static string Find(ApiCall call) =>
        Profiles(call).FirstOrDefault(profile => IdOf(profile) == call.Id()) ?? throw FaultException.Unknown("domain", call.Ids[0]);

    private static Element Show(string profile) => Refer(profile)
        .WithLink("users", $"{Hrefs.Domain(IdOf(profile))}/users")
        .WithLink("groups", $"{Hrefs.Domain(IdOf(profile))}/groups");

    private static async Task<IReadOnlyList<Element>> People(ApiCall call)
    {
        var profile = Find(call);
        var pattern = call.Parameters.Text("search") is { Length: > 0 } text ? Pattern(text, "users") : new NamePattern("*");
        var max = Math.Min(call.Parameters.Max ?? Most, Most);
        var accounts = call.World.Directories.Of(profile) is { } directory
            ? (await Ask(() => directory.People(pattern.Text, max, call.Cancel))).Select(entry => AccountOf(profile, entry))
            : (await call.World.Accounts.Accounts(call.Cancel)).Where(account => account.Profile == profile && pattern.Matches(account)).Take(max);
        return [.. accounts.Select(account => Inside(Users.Show(account), profile, "users"))];
    }

    private static async Task<IReadOnlyList<Element>> GroupsOf(ApiCall call)
    {
        var profile = Find(call);
        if (call.World.Directories.Of(profile) is not { } directory) return [];
        var pattern = call.Parameters.Text("search") is { Length: > 0 } text ? Pattern(text, "groups") : new NamePattern("*");
        var found = await Ask(() => directory.Groups(pattern.Text, Math.Min(call.Parameters.Max ?? Most, Most), call.Cancel));
        return [.. found.Select(entry => Inside(
            Groups.Show(new Access.Group(NamedIds.Of($"group {profile} {entry.ExternalId}"), entry.Name, profile, entry.ExternalId)), profile, "groups"))];
    }

    private static Element Inside(Element element, string profile, string collection)
    {
        element.Href = $"{Hrefs.Domain(IdOf(profile))}/{collection}/{element.Id}";
        return element;
    }

    private static Element One(IReadOnlyList<Element> all, ApiCall call, string what) =>
        all.FirstOrDefault(element => element.Id == call.Ids[1]) ?? throw FaultException.Unknown(what, call.Ids[1]);
}

/// <summary>A name with "*" for any letters; letters of either case.</summary>
internal sealed record NamePattern(string Text)
{
    private readonly Regex _pattern = new(
        "^" + Regex.Escape(Text).Replace("\\*", ".*", StringComparison.Ordinal) + "$",
        RegexOptions.NonBacktracking | RegexOptions.Singleline | RegexOptions.IgnoreCase);

    public bool Matches(Account account) => _pattern.IsMatch(account.Name) || _pattern.IsMatch(account.ShortName) || _pattern.IsMatch(account.FirstName);

    public bool Matches(Access.Group group) => _pattern.IsMatch(group.Name);
}
