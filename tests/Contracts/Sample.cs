using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using Orchestrator.Actors;

namespace Orchestrator.Tests.Contracts;

/// <summary>One message of a type with everything filled in that can be: each optional field, two elements in each list,
/// and values of the kind that they have in use, so that a golden file can be read by a person.</summary>
internal sealed class Sample
{
    private static readonly DateTimeOffset _at = new(2026, 11, 21, 6, 30, 0, 125, TimeSpan.Zero);

    private static readonly Dictionary<string, string> _texts = new(StringComparer.OrdinalIgnoreCase)
    {
        ["name"] = "web-1",
        ["user"] = "admin@internal",
        ["correlation"] = "call-4711",
        ["address"] = "10.77.0.11",
        ["description"] = "shop front end, \u00fcber & \"quoted\"",
        ["comment"] = "ask Ada first",
        ["mac"] = "56:6f:1a:2b:00:07",
        ["reason"] = "the host went silent",
        ["what"] = "memory",
        ["type"] = "server",
        ["osType"] = "debian_12",
        ["biosType"] = "q35_sea_bios",
        ["interface"] = "virtio",
        ["bridge"] = "ovirtmgmt",
        ["path"] = "/srv/domains/main",
        ["kernel"] = "/boot/vmlinuz",
        ["initrd"] = "/boot/initrd.img",
        ["cmdline"] = "console=ttyS0",
        ["hostName"] = "host-1",
        ["version"] = "0.2.0",
        ["detail"] = "no host has enough memory",
        ["view"] = """{"id":"00000001-0000-0000-0000-000000000001"}""",
    };

    private int _number;

    public static object Of(Type type) => new Sample().Make(type, "");

    private object Make(Type type, string name)
    {
        if (type == typeof(string)) return _texts.GetValueOrDefault(name, name.Length > 0 ? $"{name}-1" : "text");
        if (type == typeof(bool)) return true;
        if (type == typeof(int)) return 2;
        if (type == typeof(long)) return name.Contains("emory", StringComparison.Ordinal) ? 4L << 30 : 42L;
        if (type == typeof(double)) return 0.5;
        if (type == typeof(Guid)) return new Guid(string.Create(CultureInfo.InvariantCulture, $"{++_number:x8}-0000-4000-8000-000000000001"));
        if (type == typeof(DateTimeOffset)) return _at.AddSeconds(++_number);
        if (type == typeof(TimeSpan)) return TimeSpan.FromSeconds(1.5);
        if (type == typeof(Lease)) return new Lease(7);
        if (type.IsEnum) return type.GetEnumValues().Cast<object>().Last();
        if (Nullable.GetUnderlyingType(type) is { } inner) return Make(inner, name);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>))
        {
            var element = type.GenericTypeArguments[0];
            var two = Array.CreateInstance(element, 2);
            for (var i = 0; i < 2; i++) two.SetValue(Make(element, name.TrimEnd('s')), i);
            return _create.MakeGenericMethod(element).Invoke(null, [two])!;
        }

        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(KeyValuePair<,>))
            return Activator.CreateInstance(type, Make(type.GenericTypeArguments[0], "key"), Make(type.GenericTypeArguments[1], "value"))!;

        // A closed family: its first member stands for it.
        if (type.IsAbstract) return Make(type.GetNestedTypes().First(t => t.IsSubclassOf(type)), name);
        var maker = type.GetConstructors().Where(c => c.GetParameters() is not [var only] || only.ParameterType != type)
            .OrderByDescending(c => c.GetParameters().Length).First();
        var made = maker.Invoke([.. maker.GetParameters().Select(p => Make(p.ParameterType, p.Name!))]);
        var named = maker.GetParameters().Select(p => p.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var property in type.GetProperties().Where(p => p.CanWrite && !named.Contains(p.Name)))
            property.SetValue(made, Make(property.PropertyType, char.ToLowerInvariant(property.Name[0]) + property.Name[1..]));
        return made;
    }

    private static readonly MethodInfo _create = typeof(ImmutableArray).GetMethods().Single(m =>
        m.Name == nameof(ImmutableArray.Create) && m.GetParameters() is [{ ParameterType.IsArray: true } p]
        && p.GetCustomAttribute<ParamArrayAttribute>() is not null);
}
