using System.Collections.Immutable;
using System.Reflection;
using Orchestrator.Actors;

namespace Orchestrator.Tests.Deciders;

/// <summary>
/// Makes values of any message type from a seed, out of a small world: few ids, few leases, few jobs, so that
/// histories meet themselves again.
/// </summary>
public sealed class Making(Random random)
{
    public static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] _words = ["", "a", "web"];

    public T One<T>() => (T)One(typeof(T));

    public object One(Type type)
    {
        if (type == typeof(string)) return _words[random.Next(_words.Length)];
        if (type == typeof(bool)) return random.Next(2) == 0;
        if (type == typeof(int)) return random.Next(0, 4);
        if (type == typeof(long)) return (long)random.Next(0, 5);
        if (type == typeof(Guid)) return Id(random.Next(4));
        if (type == typeof(DateTimeOffset)) return Start.AddSeconds(random.Next(1000));
        if (type == typeof(Lease)) return new Lease(random.Next(0, 6));
        if (type.IsEnum) return type.GetEnumValues().GetValue(random.Next(type.GetEnumValues().Length))!;
        if (Nullable.GetUnderlyingType(type) is { } inner) return random.Next(3) == 0 ? null! : One(inner);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>)) return Array(type);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(KeyValuePair<,>))
            return Activator.CreateInstance(type, One(type.GenericTypeArguments[0]), One(type.GenericTypeArguments[1]))!;
        return Record(type);
    }

    public static Guid Id(int number) => new(number + 1, 0, 0, [0, 0, 0, 0, 0, 0, 0, 1]);

    /// <summary>The closed family under an abstract record.</summary>
    public static IReadOnlyList<Type> Family(Type root) =>
        [.. root.GetNestedTypes().Where(t => t.IsSubclassOf(root)).OrderBy(t => t.MetadataToken)];

    /// <summary>Any member of a closed family.</summary>
    public T Any<T>() => (T)One(Family(typeof(T)) is var all ? all[random.Next(all.Count)] : null!);

    private object Array(Type type)
    {
        var element = type.GenericTypeArguments[0];
        var items = System.Array.CreateInstance(element, random.Next(3));
        for (var i = 0; i < items.Length; i++) items.SetValue(One(element), i);
        return typeof(ImmutableArray).GetMethods()
            .Single(m => m.Name == nameof(ImmutableArray.Create) && m.GetParameters() is [{ ParameterType.IsArray: true } p]
                && p.GetCustomAttribute<ParamArrayAttribute>() is not null)
            .MakeGenericMethod(element).Invoke(null, [items])!;
    }

    private object Record(Type type)
    {
        var maker = type.GetConstructors()
            .Where(c => c.GetParameters() is not [var only] || only.ParameterType != type)
            .OrderByDescending(c => c.GetParameters().Length).First();
        var nullability = new NullabilityInfoContext();
        var made = maker.Invoke([.. maker.GetParameters().Select(p => One(p.ParameterType, nullability.Create(p)))]);
        var named = maker.GetParameters().Select(p => p.Name).ToHashSet();
        foreach (var property in type.GetProperties())
            if (property.CanWrite && !named.Contains(property.Name))
                property.SetValue(made, One(property.PropertyType, nullability.Create(property)));
        return made;
    }

    private object? One(Type type, NullabilityInfo nullability) =>
        nullability.WriteState == NullabilityState.Nullable && random.Next(3) == 0 ? null : One(type);
}
