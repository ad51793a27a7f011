using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Orchestrator.Api.Access;

namespace Orchestrator.Api.Sso.Ldap;

/// <summary>What an operator says of a directory; hocon/ldap.conf explains each key.</summary>
public sealed record LdapProfile
{
    public required string Name { get; init; }

    /// <summary>ldap:// or ldaps://; the first that answers is asked.</summary>
    public required ImmutableArray<Uri> Servers { get; init; }

    /// <summary>ldap:// is encrypted before anything is said.</summary>
    public bool StartTls { get; init; } = true;

    /// <summary>Empty: the machine's own.</summary>
    public X509Certificate2Collection Authorities { get; init; } = [];

    /// <summary>Who looks for users; empty: anybody may.</summary>
    public string BindName { get; init; } = "";

    public string BindPassword { get; init; } = "";

    public required string UsersBelow { get; init; }

    public required string GroupsBelow { get; init; }

    public string UserFilter { get; init; } = "(objectClass=inetOrgPerson)";

    public string GroupFilter { get; init; } = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=group))";

    public string UserName { get; init; } = "uid";

    public string GroupName { get; init; } = "cn";

    /// <summary>Steps from a user to a group that are gone.</summary>
    public int NestedGroups { get; init; } = 10;

    /// <summary>For one question to the directory, over all its servers.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Users and groups of an LDAP directory. Each question has a connection of its own, which ends with it.</summary>
public sealed class LdapDirectory(LdapProfile profile) : IDirectory
{
    private const int MaxGroups = 5000;
    private const int NamesPerSearch = 50;
    private static readonly string[] _personal = ["givenName", "sn", "mail", "departmentNumber", "ou", "memberOf"];
    private readonly LdapFilter _users = LdapFilter.Parse(profile.UserFilter);
    private readonly LdapFilter _groups = LdapFilter.Parse(profile.GroupFilter);
    private int _preferred;

    public string Profile => profile.Name;

    public Task<DirectoryEntry?> Authenticate(string name, string password, CancellationToken cancel) => Ask(async (line, until) =>
    {
        if (name.Length == 0 || password.Length == 0) return null;
        var found = await line.Search(
            profile.UsersBelow, Both(_users, new LdapFilter.Equal(profile.UserName, name)), [.. _personal, profile.UserName], 2, until);
        // Two of the same name: neither of them, rather than the wrong one.
        if (found is not [var user]) return null;
        await using (var own = await Open(line.Server, until))
            if (!await own.Bind(user.Name, password, until))
                return null;
        return Person(user) with { Groups = await GroupsOf(line, user, until) };
    }, cancel);

    public Task<IReadOnlyList<DirectoryEntry>> People(string pattern, int max, CancellationToken cancel) => Ask<IReadOnlyList<DirectoryEntry>>(
        async (line, until) => [.. (await line.Search(
            profile.UsersBelow, Both(_users, LdapFilter.Matching(profile.UserName, pattern)), [.. _personal, profile.UserName], max, until)).Select(Person)],
        cancel);

    public Task<IReadOnlyList<DirectoryEntry>> Groups(string pattern, int max, CancellationToken cancel) => Ask<IReadOnlyList<DirectoryEntry>>(
        async (line, until) => [.. (await line.Search(
            profile.GroupsBelow, Both(_groups, LdapFilter.Matching(profile.GroupName, pattern)), [profile.GroupName], max, until))
            .Select(entry => new DirectoryEntry(entry.First(profile.GroupName), Normal(entry.Name)))],
        cancel);

    /// <summary>As names are compared: letters of either case, no blanks around commas and equal signs.</summary>
    public static string Normal(string name) => string.Join(',', name.Split(',').Select(part =>
        string.Join('=', part.Split('=', 2).Select(piece => piece.Trim())))).ToLowerInvariant();

    /// <summary>Level by level, by what an entry says of its groups (memberOf) and by what groups say of their members; a group
    /// that was met already is not asked about again, so circles end.</summary>
    private async Task<IReadOnlyList<string>> GroupsOf(LdapLine line, LdapEntry user, CancellationToken cancel)
    {
        var met = new HashSet<string>(StringComparer.Ordinal);
        List<string> level = [user.Name];
        List<string> named = [.. user.All("memberOf")];
        for (var step = 0; step < profile.NestedGroups && level.Count > 0 && met.Count < MaxGroups; step++)
        {
            List<string> next = [.. named.Where(group => met.Add(Normal(group)))];
            named = [];
            foreach (var names in level.Chunk(NamesPerSearch))
            {
                var members = names.SelectMany(name => new LdapFilter[] { new LdapFilter.Equal("member", name), new LdapFilter.Equal("uniqueMember", name) });
                foreach (var group in await line.Search(profile.GroupsBelow, Both(_groups, new LdapFilter.Any([.. members])), ["memberOf"], MaxGroups, cancel))
                {
                    named.AddRange(group.All("memberOf"));
                    if (met.Add(Normal(group.Name))) next.Add(group.Name);
                }
            }

            level = next;
        }

        return [.. met];
    }

    private DirectoryEntry Person(LdapEntry entry) => new(entry.First(profile.UserName), Normal(entry.Name))
    {
        FirstName = entry.First("givenName"),
        LastName = entry.First("sn"),
        Email = entry.First("mail"),
        Department = entry.First("departmentNumber") is { Length: > 0 } number ? number : entry.First("ou"),
    };

    /// <summary>Asks the servers in turn, beginning with the one that answered last, until one answers or the time is over.</summary>
    private async Task<T> Ask<T>(Func<LdapLine, CancellationToken, Task<T>> question, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(profile.Timeout);
        Exception? last = null;
        for (var turn = 0; turn < profile.Servers.Length; turn++)
        {
            var at = (Volatile.Read(ref _preferred) + turn) % profile.Servers.Length;
            // One that hangs must leave time for the next.
            using var share = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
            if (turn < profile.Servers.Length - 1) share.CancelAfter(profile.Timeout / profile.Servers.Length);
            try
            {
                await using var line = await Open(profile.Servers[at], share.Token);
                if (!await line.Bind(profile.BindName, profile.BindPassword, share.Token))
                    throw new LdapException(LdapException.InvalidCredentials, "the engine's own name or password there is wrong (bind-name, bind-password-file)");
                var answer = await question(line, share.Token);
                Volatile.Write(ref _preferred, at);
                return answer;
            }
            catch (Exception away) when (IsAway(away) && !cancel.IsCancellationRequested)
            {
                last = away;
            }
        }

        throw new DirectoryAwayException(
            profile.Name, last is OperationCanceledException ? $"no answer within {profile.Timeout.TotalSeconds:0} s" : last?.Message ?? "no server is configured", last);
    }

    private Task<LdapLine> Open(Uri server, CancellationToken cancel)
    {
        var safety = server.Scheme.Equals("ldaps", StringComparison.OrdinalIgnoreCase) ? LdapSafety.Tls
            : profile.StartTls ? LdapSafety.StartTls
            : LdapSafety.None;
        return LdapLine.Open(server, safety, profile.Authorities, cancel);
    }

    private static bool IsAway(Exception e) => e is SocketException or IOException or LdapException or AuthenticationException
        or OperationCanceledException or AsnContentException;

    private static LdapFilter Both(LdapFilter one, LdapFilter other) => new LdapFilter.All([one, other]);
}
