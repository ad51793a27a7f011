using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Microsoft.Extensions.Logging;

namespace Orchestrator.Engine;

/// <summary>Takes companion rows off what an actor persists: the journal gets the event alone, the read models get
/// their rows in the same transaction, the handler gets the object as it was given.</summary>
public interface IUnwrapRecords
{
    (object Event, ImmutableArray<CompanionRow> Companions) Unwrap(object persisted);
}

/// <summary>What a system stands on: store, clock, dispatcher, log. All may be left out.</summary>
public sealed record EngineSetup
{
    /// <summary>The journal, the snapshots and what the cluster decides by. Null: nothing can be persisted.</summary>
    public IEngineStore? Store { get; init; }

    /// <summary>The certificates between nodes. Null: plain TCP, for tests only.</summary>
    public RemoteIdentity? Identity { get; init; }

    /// <summary>Null: TCP, as akka.remote says.</summary>
    public EngineNetwork? Network { get; init; }

    /// <summary>All timers, timeouts and backoffs run on this clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public IUnwrapRecords? Records { get; init; }

    /// <summary>Null: the .NET thread pool.</summary>
    public IEngineDispatcher? Dispatcher { get; init; }

    /// <summary>Takes all log events of the system; without it they go to the console, as akka.loggers says.</summary>
    public ILoggerFactory? Loggers { get; init; }

    /// <summary>Where uids, jitter and writer ids come from; give one with a seed to make them repeatable.
    /// Only used under a lock.</summary>
    public Random? Random { get; init; }
}

/// <summary>Starts actor systems on a given foundation; <see cref="ActorSystem.Create(string, Config)"/> is the same
/// with an empty one.</summary>
public static class EngineSystem
{
    public static ActorSystem Create(string name, Config config, EngineSetup setup) =>
        new LocalSystem(name, config, setup).Start();

    /// <summary>Calls the delegate with each event of a type that is published on the system's event stream, in the
    /// publisher's thread, until disposed. It must not throw and not block.</summary>
    public static IDisposable OnEvent<T>(ActorSystem system, Action<T> observer) =>
        system.EventStream.Observe(typeof(T), message => observer((T)message));
}
