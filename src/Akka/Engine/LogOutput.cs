using Akka.Event;
using Microsoft.Extensions.Logging;

namespace Orchestrator.Engine;

/// <summary>Carries a system's log events, dead letters and unhandled messages to the host's loggers, or to the console
/// when there are none and akka.loggers is not empty.</summary>
internal sealed class LogOutput : IDisposable
{
    private readonly List<IDisposable> _subscriptions = [];
    private readonly ILoggerFactory? _loggers;
    private readonly long _maxDeadLetters;
    private long _deadLetters;

    public LogOutput(LocalSystem system)
    {
        _loggers = system.Setup.Loggers;
        if (_loggers is null && system.Settings.Config.GetStringList("akka.loggers", []).Count == 0) return;
        _subscriptions.Add(EngineSystem.OnEvent<LogEvent>(system, Write));
        var bound = system.Settings.Config.GetString("akka.log-dead-letters", "10");
        _maxDeadLetters = bound is "off" or "false" ? 0 : long.TryParse(bound, out var number) ? number : long.MaxValue;
        _subscriptions.Add(EngineSystem.OnEvent<DeadLetter>(system, letter =>
        {
            var count = Interlocked.Increment(ref _deadLetters);
            if (count > _maxDeadLetters) return;
            system.EventStream.Publish(new Info(
                letter.Recipient.Path.ToString(), letter.Recipient.GetType(),
                $"Message [{letter.Message.GetType().Name}] from {letter.Sender} to {letter.Recipient} was not delivered:"
                + $" nobody lives there (dead letter {count}"
                + (count == _maxDeadLetters ? ", no more are logged; see akka.log-dead-letters)" : ")")));
        }));
        _subscriptions.Add(EngineSystem.OnEvent<UnhandledMessage>(system, lost =>
        {
            if (system.EventStream.LogLevel > Akka.Event.LogLevel.DebugLevel) return;
            system.EventStream.Publish(new Debug(
                lost.Recipient.Path.ToString(), lost.Recipient.GetType(),
                $"Unhandled message [{lost.Message.GetType().Name}] from {lost.Sender}: {lost.Message}"));
        }));
    }

    public void Dispose()
    {
        foreach (var subscription in _subscriptions) subscription.Dispose();
    }

    private void Write(LogEvent line)
    {
        if (_loggers is null)
        {
            Console.WriteLine(line);
            return;
        }
        var level = line.LogLevel() switch
        {
            Akka.Event.LogLevel.DebugLevel => Microsoft.Extensions.Logging.LogLevel.Debug,
            Akka.Event.LogLevel.InfoLevel => Microsoft.Extensions.Logging.LogLevel.Information,
            Akka.Event.LogLevel.WarningLevel => Microsoft.Extensions.Logging.LogLevel.Warning,
            _ => Microsoft.Extensions.Logging.LogLevel.Error,
        };
        _loggers.CreateLogger(line.LogClass).Log(
            level, line.Cause, "{Message} ({Source})", line.Message.ToString(), line.LogSource);
    }
}
