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

    public abstract TimeSpan Uptime { get; }

    /// <summary>Ends when the last actor of the system has stopped.</summary>
    public abstract Task WhenTerminated { get; }

    public static ActorSystem Create(string name) => Create(name, ConfigurationFactory.Load());

    public static ActorSystem Create(string name, Config config) => EngineSystem.Create(name, config, new EngineSetup());

    public abstract IActorRef ActorOf(Props props, string? name = null);

    public abstract void Stop(IActorRef actor);

    /// <summary>Runs <see cref="CoordinatedShutdown"/> and stops all actors; ends as <see cref="WhenTerminated"/>.</summary>
    public abstract Task Terminate();

    /// <summary>Runs the code after the last actor has stopped; what was registered last runs first.</summary>
    public abstract void RegisterOnTermination(Action code);

    public abstract object RegisterExtension(IExtensionId extension);

    public abstract object? GetExtension(IExtensionId extensionId);

    public abstract bool HasExtension(IExtensionId extensionId);

    public T WithExtension<T>(Type extensionId) where T : class, IExtension =>
        (T)RegisterExtension((IExtensionId)Activator.CreateInstance(extensionId)!);

    public T WithExtension<T, TI>() where T : class, IExtension where TI : IExtensionId =>
        (T)RegisterExtension(Activator.CreateInstance<TI>());

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing) _ = Terminate();
    }
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
