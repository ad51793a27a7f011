using System.Collections.Concurrent;
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
        _families.GetOrAdd(
            root, r => [.. r.GetNestedTypes().Where(t => t.IsSubclassOf(r)).OrderBy(t => t.MetadataToken)]);

    /// <summary>Any member of a closed family.</summary>
    public T Any<T>() => (T)One(Family(typeof(T)) is var all ? all[random.Next(all.Count)] : null!);

    private object Array(Type type)
    {
        var element = type.GenericTypeArguments[0];
        var items = System.Array.CreateInstance(element, random.Next(3));
        for (var i = 0; i < items.Length; i++) items.SetValue(One(element), i);
        return _arrays.GetOrAdd(element, e => _create.MakeGenericMethod(e)).Invoke(null, [items])!;
    }

    private object Record(Type type)
    {
        var (maker, parameters, properties) = _shapes.GetOrAdd(type, Shape.Of);
        var made = maker.Invoke([.. parameters.Select(Maybe)]);
        foreach (var (property, part) in properties) property.SetValue(made, Maybe(part));
        return made;
    }

    private object? Maybe(Part part) => part.Nullable && random.Next(3) == 0 ? null : One(part.Type);

    private static readonly ConcurrentDictionary<Type, Shape> _shapes = new();

    private static readonly ConcurrentDictionary<Type, MethodInfo> _arrays = new();

    private static readonly ConcurrentDictionary<Type, IReadOnlyList<Type>> _families = new();

    private static readonly MethodInfo _create = typeof(ImmutableArray).GetMethods().Single(m =>
        m.Name == nameof(ImmutableArray.Create) && m.GetParameters() is [{ ParameterType.IsArray: true } p]
        && p.GetCustomAttribute<ParamArrayAttribute>() is not null);

    private readonly record struct Part(Type Type, bool Nullable);

    /// <summary>How a record is made: looked up once, because reflection takes longer than all the rules.</summary>
    private sealed record Shape(ConstructorInfo Maker, Part[] Parameters, (PropertyInfo, Part)[] Properties)
    {
        public static Shape Of(Type type)
        {
            var nullability = new NullabilityInfoContext();
            var maker = type.GetConstructors()
                .Where(c => c.GetParameters() is not [var only] || only.ParameterType != type)
                .OrderByDescending(c => c.GetParameters().Length).First();
            var named = maker.GetParameters().Select(p => p.Name).ToHashSet();
            return new Shape(
                maker,
                [.. maker.GetParameters().Select(p => new Part(p.ParameterType, MayBeNull(nullability.Create(p))))],
                [.. type.GetProperties().Where(p => p.CanWrite && !named.Contains(p.Name))
                    .Select(p => (p, new Part(p.PropertyType, MayBeNull(nullability.Create(p)))))]);
        }

        private static bool MayBeNull(NullabilityInfo info) =>
            info.WriteState == NullabilityState.Nullable && !info.Type.IsValueType;
    }
}
