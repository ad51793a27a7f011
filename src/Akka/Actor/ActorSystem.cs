using System.Diagnostics.CodeAnalysis;
using Akka.Configuration;
using Akka.Event;
using Orchestrator.Engine;

namespace Akka.Actor;

/// <summary>A tree of actors with its clock, its dispatcher and its configuration.</summary>
public abstract class ActorSystem : IActorRefFactory, IDisposable
{
    public abstract Settings Settings { get; }

    public abstract string Name { get; }

    public abstract EventStream EventStream { get; }

    public abstract IActorRef DeadLetters { get; }

    public abstract IScheduler Scheduler { get; }

    public abstract ILoggingAdapter Log { get; }

    public abstract Serialization.Serialization Serialization { get; }

    public TimeSpan Uptime => MeasuredUptime;

    private protected abstract TimeSpan MeasuredUptime { get; }

    /// <summary>Ends when the last actor of the system has stopped.</summary>
    public abstract Task WhenTerminated { get; }

    public static ActorSystem Create(string name) => Create(name, ConfigurationFactory.FromFiles());

    public static ActorSystem Create(string name, Config config) => EngineSystem.Create(name, config, new EngineSetup());

    public abstract IActorRef ActorOf(Props props, string? name = null);

    public abstract void Stop(IActorRef actor);

    /// <summary>Runs <see cref="CoordinatedShutdown"/> and stops all actors; ends as <see cref="WhenTerminated"/>.</summary>
    public abstract Task Terminate();

    /// <summary>Runs the code after the last actor has stopped; what was registered last runs first.</summary>
    public abstract void RegisterOnTermination(Action code);

    public abstract object RegisterExtension(IExtensionId extension);

    public abstract object? GetExtension(IExtensionId extensionId);

    /// <summary>Whether an extension of this type (not its provider's) is registered.</summary>
    public abstract bool HasExtension(Type type);

    public abstract bool HasExtension<T>() where T : class, IExtension;

    /// <summary>Begins the termination and does not wait for its end.</summary>
    [SuppressMessage("Design", "CA1063", Justification = "Akka.NET\'s has no Dispose(bool).")]
    public void Dispose()
    {
        _ = Terminate();
        GC.SuppressFinalize(this);
    }
}

public static class ActorSystemWithExtensions
{
    public static T WithExtension<T>(this ActorSystem system, Type extensionId) where T : class, IExtension =>
        (T)system.RegisterExtension((IExtensionId)Activator.CreateInstance(extensionId)!);

    public static T WithExtension<T, TI>(this ActorSystem system) where T : class, IExtension where TI : IExtensionId =>
        (T)system.RegisterExtension(Activator.CreateInstance<TI>());
}

public abstract class ExtendedActorSystem : ActorSystem
{
    /// <summary>Starts an actor below "/system": it outlives everything below "/user".</summary>
    public abstract IActorRef SystemActorOf(Props props, string? name = null);
}

/// <summary>The configuration of a system with the defaults below it.</summary>
public class Settings
{
    public Settings(ActorSystem system, Config config)
    {
        System = system;
        Config = config;
        LogLevel = config.GetString("akka.loglevel", "INFO")!;
        AskTimeout = config.GetTimeSpan("akka.actor.ask-timeout", Timeout.InfiniteTimeSpan);
    }

    public ActorSystem System { get; }

    public Config Config { get; }

    public string LogLevel { get; }

    public TimeSpan AskTimeout { get; }

    internal LogLevel LogLevelEnum => LogLevel.ToUpperInvariant() switch
    {
        "DEBUG" => Event.LogLevel.DebugLevel,
        "INFO" => Event.LogLevel.InfoLevel,
        "WARNING" => Event.LogLevel.WarningLevel,
        "ERROR" => Event.LogLevel.ErrorLevel,
        "OFF" => (LogLevel)int.MaxValue,
        var other => throw new ConfigurationException($"akka.loglevel = {other}: DEBUG, INFO, WARNING, ERROR or OFF"),
    };
}
