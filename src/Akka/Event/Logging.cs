using System.Globalization;
using System.Text;
using Akka.Actor;

namespace Akka.Event;

/// <summary>A text with holes, "{0}" or "{Name}", filled in order when somebody reads it.</summary>
public sealed class LogMessage
{
    private readonly object?[] _args;

    internal LogMessage(string format, object?[] args) => (Format, _args) = (format, args);

    public string Format { get; }

    public IEnumerable<object?> Parameters() => _args;

    public override string ToString()
    {
        if (_args.Length == 0) return Format;
        var text = new StringBuilder(Format.Length + 32);
        var next = 0;
        for (var i = 0; i < Format.Length; i++)
        {
            var c = Format[i];
            if ((c is '{' or '}') && i + 1 < Format.Length && Format[i + 1] == c)
            {
                text.Append(c);
                i++;
                continue;
            }
            var end = c == '{' ? Format.IndexOf('}', i) : -1;
            if (end < 0)
            {
                text.Append(c);
                continue;
            }
            var hole = Format[(i + 1)..end];
            var colon = hole.IndexOf(':');
            var (name, format) = colon < 0 ? (hole, null) : (hole[..colon], hole[(colon + 1)..]);
            var index = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : next;
            next++;
            var value = index < _args.Length ? _args[index] : Format[i..(end + 1)];
            text.Append(value is IFormattable it ? it.ToString(format, CultureInfo.InvariantCulture) : value);
            i = end;
        }
        return text.ToString();
    }
}

public interface ILoggingAdapter
{
    bool IsDebugEnabled { get; }

    bool IsInfoEnabled { get; }

    bool IsWarningEnabled { get; }

    bool IsErrorEnabled { get; }

    bool IsEnabled(LogLevel logLevel);

    void Log(LogLevel logLevel, Exception? cause, LogMessage message);

    void Log(LogLevel logLevel, Exception? cause, string format);
}

public static class LoggingExtensions
{
    public static void Debug(this ILoggingAdapter log, string format, params object?[] args) =>
        Write(log, LogLevel.DebugLevel, null, format, args);

    public static void Debug(this ILoggingAdapter log, Exception cause, string format, params object?[] args) =>
        Write(log, LogLevel.DebugLevel, cause, format, args);

    public static void Info(this ILoggingAdapter log, string format, params object?[] args) =>
        Write(log, LogLevel.InfoLevel, null, format, args);

    public static void Info(this ILoggingAdapter log, Exception cause, string format, params object?[] args) =>
        Write(log, LogLevel.InfoLevel, cause, format, args);

    public static void Warning(this ILoggingAdapter log, string format, params object?[] args) =>
        Write(log, LogLevel.WarningLevel, null, format, args);

    public static void Warning(this ILoggingAdapter log, Exception cause, string format, params object?[] args) =>
        Write(log, LogLevel.WarningLevel, cause, format, args);

    public static void Error(this ILoggingAdapter log, string format, params object?[] args) =>
        Write(log, LogLevel.ErrorLevel, null, format, args);

    public static void Error(this ILoggingAdapter log, Exception cause, string format, params object?[] args) =>
        Write(log, LogLevel.ErrorLevel, cause, format, args);

    private static void Write(ILoggingAdapter log, LogLevel level, Exception? cause, string format, object?[] args)
    {
        if (!log.IsEnabled(level)) return;
        if (args.Length == 0) log.Log(level, cause, format);
        else log.Log(level, cause, new LogMessage(format, args));
    }
}

public static class Logging
{
    /// <summary>The log of the actor that runs; its source is the actor's path.</summary>
    public static ILoggingAdapter GetLogger(this IActorContext context) =>
        new BusLogging(context.System.EventStream, context.Self.Path.ToString(), context.Props.Type);

    public static ILoggingAdapter GetLogger(ActorSystem system, object logSourceObj) =>
        GetLogger(system.EventStream, logSourceObj);

    public static ILoggingAdapter GetLogger(LoggingBus loggingBus, object logSourceObj) => logSourceObj switch
    {
        string name => new BusLogging(loggingBus, name, typeof(ActorSystem)),
        Type type => new BusLogging(loggingBus, type.FullName ?? type.Name, type),
        IActorRef actor => new BusLogging(loggingBus, actor.Path.ToString(), typeof(ActorBase)),
        _ => new BusLogging(loggingBus, logSourceObj.GetType().FullName!, logSourceObj.GetType()),
    };
}

/// <summary>Publishes log events on a bus, as far as the bus's level wants them.</summary>
public sealed class BusLogging : ILoggingAdapter
{
    private readonly LoggingBus _bus;
    private readonly string _source;
    private readonly Type _class;

    internal BusLogging(LoggingBus bus, string logSource, Type logClass) =>
        (_bus, _source, _class) = (bus, logSource, logClass);

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
