using Akka.Actor;

namespace Akka.Event;

public enum LogLevel
{
    DebugLevel,
    InfoLevel,
    WarningLevel,
    ErrorLevel,
}

/// <summary>One line of the log, as it travels over the event stream.</summary>
public abstract class LogEvent : INoSerializationVerificationNeeded
{
    private protected LogEvent(Exception? cause, string logSource, Type logClass, object? message)
    {
        Cause = cause;
        LogSource = logSource;
        LogClass = logClass;
        Message = message ?? "";
        Thread = Thread.CurrentThread;
        Timestamp = DateTime.UtcNow;
    }

    public Exception? Cause { get; }

    public DateTime Timestamp { get; }

    public Thread Thread { get; }

    /// <summary>The path of the actor that speaks, or the name of what else does.</summary>
    public string LogSource { get; }

    public Type LogClass { get; }

    /// <summary>A text, or a <see cref="LogMessage"/> whose ToString fills its holes.</summary>
    public object Message { get; }

    public abstract LogLevel LogLevel();

    public override string ToString() =>
        $"[{LogLevel().ToString()[..^5].ToUpperInvariant()}][{Timestamp:O}][{LogSource}] {Message}"
        + (Cause is null ? "" : Environment.NewLine + "Cause: " + Cause);
}

public class Debug(Exception? cause, string logSource, Type logClass, object message)
    : LogEvent(cause, logSource, logClass, message)
{
    public Debug(string logSource, Type logClass, object message) : this(null, logSource, logClass, message) { }

    public override LogLevel LogLevel() => Event.LogLevel.DebugLevel;
}

public class Info(Exception? cause, string logSource, Type logClass, object message)
    : LogEvent(cause, logSource, logClass, message)
{
    public Info(string logSource, Type logClass, object message) : this(null, logSource, logClass, message) { }

    public override LogLevel LogLevel() => Event.LogLevel.InfoLevel;
}

public class Warning(Exception? cause, string logSource, Type logClass, object message)
    : LogEvent(cause, logSource, logClass, message)
{
    public Warning(string logSource, Type logClass, object message) : this(null, logSource, logClass, message) { }

    public override LogLevel LogLevel() => Event.LogLevel.WarningLevel;
}

public class Error(Exception? cause, string logSource, Type logClass, object message)
    : LogEvent(cause, logSource, logClass, message)
{
    public override LogLevel LogLevel() => Event.LogLevel.ErrorLevel;
}
