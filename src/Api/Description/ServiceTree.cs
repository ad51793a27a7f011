using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Orchestrator.Api.Description;

/// <summary>
/// oVirt's services, whole: what a client may ask for, whether this engine has it or not. The router's missing answers, the
/// coverage, the OpenAPI document and the contract tests are made from it.
/// </summary>
/// <remarks>
/// services.txt has one service a line: path : type[,types] : methods. GET and LIST are HTTP's GET, ADD POST, UPDATE PUT,
/// REMOVE DELETE; any other word is an action, POST to path/word. In brackets: name:type of a parameter (b boolean, i whole
/// number, s text), !name of what a body must have, ~ for async, + for follow. {id} is a UUID, {number} a whole number,
/// {word} any text.
/// </remarks>
public static class ServiceTree
{
    public static ImmutableArray<Service> Services { get; } = Read();

    public static FrozenDictionary<string, Service> ByPath { get; } =
        Services.ToFrozenDictionary(service => service.Path, StringComparer.Ordinal);

    public static IEnumerable<(Service Service, Method Method)> Methods =>
        from service in Services from method in service.Methods select (service, method);

    /// <summary>A path without the kinds of its placeholders, by which paths are compared.</summary>
    public static string Plain(string path) => path
        .Replace("{number}", "{id}", StringComparison.Ordinal).Replace("{word}", "{id}", StringComparison.Ordinal);

    private static ImmutableArray<Service> Read()
    {
        using var stream = typeof(ServiceTree).Assembly.GetManifestResourceStream("services.txt")!;
        using var reader = new StreamReader(stream);
        var services = ImmutableArray.CreateBuilder<Service>();
        while (reader.ReadLine() is { } line)
            if (line.Length > 0) services.Add(Read(line));
        return services.ToImmutable();
    }

    private static Service Read(string line)
    {
        var parts = line.Split(" : ");
        var names = parts[1].Split(',');
        var path = parts[0] == "." ? "" : parts[0];
        return new Service(path, names[0], names.Length > 1 ? names[1] : names[0] + "s", MethodsOf(path, parts[2]));
    }

    private static ImmutableArray<Method> MethodsOf(string path, string text)
    {
        var methods = ImmutableArray.CreateBuilder<Method>();
        for (var at = 0; at < text.Length;)
        {
            var end = text.AsSpan(at).IndexOfAny(' ', '(');
            end = end < 0 ? text.Length : at + end;
            var name = text[at..end];
            var close = end < text.Length && text[end] == '(' ? text.IndexOf(')', end) : end;
            if (name != "-") methods.Add(Of(path, name, close > end ? text[(end + 1)..close] : ""));
            at = close > end ? close + 1 : close;
            while (at < text.Length && text[at] == ' ') at++;
        }

        return methods.ToImmutable();
    }

    private static Method Of(string path, string name, string inside)
    {
        var words = inside.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new Method(name, path,
            [.. words.Where(word => word.Contains(':', StringComparison.Ordinal))
                .Select(word => new Parameter(word[..word.IndexOf(':', StringComparison.Ordinal)], word[(word.IndexOf(':', StringComparison.Ordinal) + 1)..]))],
            [.. words.Where(word => word[0] == '!').Select(word => word[1..])])
        {
            IsAsync = words.Contains("~"),
            CanFollow = words.Contains("+"),
        };
    }
}

/// <param name="Path">Below the base, with placeholders.</param>
/// <param name="Type">Element name of one of its objects.</param>
/// <param name="Types">Element name of a list of them.</param>
public sealed record Service(string Path, string Type, string Types, ImmutableArray<Method> Methods)
{
    /// <summary>Of one object: its path ends with a placeholder.</summary>
    public bool IsOfOne => Path.EndsWith('}');

    /// <summary>The service of the object that this one is part of, or null at the top.</summary>
    public string? Owner
    {
        get
        {
            var end = Path.LastIndexOf('}', Path.Length == 0 ? 0 : Path.Length - 2);
            return end < 0 ? null : Path[..(end + 1)];
        }
    }
}

/// <param name="Mandatory">Fields without which a body is refused.</param>
public sealed record Method(
    string Name, string ServicePath, ImmutableArray<Parameter> Parameters, ImmutableArray<string> Mandatory)
{
    public bool IsAsync { get; init; }

    public bool CanFollow { get; init; }

    public bool IsAction => char.IsAsciiLetterLower(Name[0]);

    public bool Reads => Name is "GET" or "LIST";

    public string Verb => Name switch
    {
        "GET" or "LIST" => "GET",
        "UPDATE" => "PUT",
        "REMOVE" => "DELETE",
        _ => "POST",
    };

    public string Path => !IsAction ? ServicePath : ServicePath.Length == 0 ? Name : $"{ServicePath}/{Name}";
}

/// <param name="Type">b, i, s, or a type of the API; with [] a list of it.</param>
public sealed record Parameter(string Name, string Type);
