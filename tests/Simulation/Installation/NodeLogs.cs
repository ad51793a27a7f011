using Microsoft.Extensions.Logging;

namespace Orchestrator.Tests.Simulation.Installation;

/// <summary>What a node logs becomes lines of the timeline.</summary>
internal sealed class NodeLogs(string node, Timeline timeline, bool verbose) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= (verbose ? LogLevel.Information : LogLevel.Warning);

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel)) return;
        var words = formatter(state, exception);
        timeline.Note(exception is null
            ? $"{node} says: {words}"
            : $"{node} says: {words}: {exception.GetType().Name}: {exception.Message}");
    }
}
