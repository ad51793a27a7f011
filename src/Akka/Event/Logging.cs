using Akka.Actor;

namespace Akka.Event;

public interface ILoggingAdapter
{
    ILogMessageFormatter Formatter { get; }

    bool IsDebugEnabled { get; }

    bool IsInfoEnabled { get; }

    bool IsWarningEnabled { get; }

    bool IsErrorEnabled { get; }

    bool IsEnabled(LogLevel logLevel);

    void Log(LogLevel logLevel, Exception? cause, LogMessage message);

    void Log(LogLevel logLevel, Exception? cause, string format);
}

public static class Logging
{
    /// <summary>The log of the actor that runs; its source is the actor's path.</summary>
    public static ILoggingAdapter GetLogger(
        this IActorContext context, ILogMessageFormatter? logMessageFormatter = null) => new BusLogging(
        context.System.EventStream, context.Self.Path.ToString(), context.Props.Type, logMessageFormatter);

    public static ILoggingAdapter GetLogger(
        ActorSystem system, object logSourceObj, ILogMessageFormatter? logMessageFormatter = null) =>
        GetLogger(system.EventStream, logSourceObj, logMessageFormatter);

    public static ILoggingAdapter GetLogger(
        LoggingBus loggingBus, object logSourceObj, ILogMessageFormatter? logMessageFormatter = null)
    {
        var (source, type) = logSourceObj switch
        {
            string name => (name, typeof(ActorSystem)),
            Type given => (given.FullName ?? given.Name, given),
            IActorRef actor => (actor.Path.ToString(), typeof(ActorBase)),
            _ => (logSourceObj.GetType().FullName!, logSourceObj.GetType()),
        };
        return new BusLogging(loggingBus, source, type, logMessageFormatter);
    }
}

/// <summary>Publishes log events on a bus, as far as the bus's level wants them.</summary>
internal sealed class BusLogging : ILoggingAdapter
{
    private readonly LoggingBus _bus;
    private readonly string _source;
    private readonly Type _class;

    public BusLogging(LoggingBus bus, string logSource, Type logClass, ILogMessageFormatter? formatter)
    {
        (_bus, _source, _class) = (bus, logSource, logClass);
        Formatter = formatter ?? HoleFormatter.Instance;
    }

    public ILogMessageFormatter Formatter { get; }

    public bool IsDebugEnabled => IsEnabled(LogLevel.DebugLevel);

    public bool IsInfoEnabled => IsEnabled(LogLevel.InfoLevel);

    public bool IsWarningEnabled => IsEnabled(LogLevel.WarningLevel);

    public bool IsErrorEnabled => IsEnabled(LogLevel.ErrorLevel);

    public bool IsEnabled(LogLevel logLevel) => logLevel >= _bus.LogLevel;

    public void Log(LogLevel logLevel, Exception? cause, LogMessage message) => Publish(logLevel, cause, message);

    public void Log(LogLevel logLevel, Exception? cause, string format) => Publish(logLevel, cause, format);

    private void Publish(LogLevel level, Exception? cause, object message) => _bus.Publish(level switch
    {
        LogLevel.DebugLevel => new Debug(cause, _source, _class, message),
        LogLevel.InfoLevel => new Info(cause, _source, _class, message),
        LogLevel.WarningLevel => new Warning(cause, _source, _class, message),
        _ => new Error(cause, _source, _class, message),
    });
}
