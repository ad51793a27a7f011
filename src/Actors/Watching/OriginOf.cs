using System.Collections.Concurrent;
using System.Linq.Expressions;

namespace Orchestrator.Actors.Watching;

/// <summary>Finds the origin in facts that have one, without a table that each new fact would have to enter.</summary>
internal static class OriginOf<TEvent>
    where TEvent : class
{
    private static readonly ConcurrentDictionary<Type, Func<TEvent, Origin?>> _readers = new();

    public static Origin? Find(TEvent fact) => _readers.GetOrAdd(fact.GetType(), Reader)(fact);

    private static Func<TEvent, Origin?> Reader(Type type)
    {
        if (type.GetProperty("Origin") is not { } property || property.PropertyType != typeof(Origin)) return _ => null;
        var fact = Expression.Parameter(typeof(TEvent));
        return Expression.Lambda<Func<TEvent, Origin?>>(
            Expression.Property(Expression.Convert(fact, type), property), fact).Compile();
    }
}
