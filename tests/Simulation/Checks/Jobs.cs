using System.Collections.Concurrent;
using System.Reflection;
using Orchestrator.Actors;

namespace Orchestrator.Tests.Simulation.Checks;

/// <summary>Which job a fact rests on, by whatever property carries its origin.</summary>
internal static class Jobs
{
    private static readonly ConcurrentDictionary<Type, Func<object, Guid?>> _readers = new();

    public static Guid? Of(object fact) => _readers.GetOrAdd(fact.GetType(), Reader)(fact);

    private static Func<object, Guid?> Reader(Type type)
    {
        if (type.GetProperty("Origin", BindingFlags.Public | BindingFlags.Instance) is { } origin)
            return fact => (origin.GetValue(fact) as Origin)?.Job.Value;
        var nullable = type.GetProperties().FirstOrDefault(p => p.PropertyType == typeof(JobId?));
        return nullable is null ? _ => null : fact => (nullable.GetValue(fact) as JobId?)?.Value;
    }
}
