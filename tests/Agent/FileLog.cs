using Microsoft.Extensions.Logging;

namespace Orchestrator.Tests.Agent;

/// <summary>For a person who asks why: AGENT_TEST_LOG names a file, none is written without it.</summary>
public sealed class FileLog(string? path) : ILoggerProvider, ILogger
{
    private static readonly Lock s_gate = new();

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => path is not null;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (path is null) return;
        lock (s_gate) File.AppendAllText(path, $"{DateTime.UtcNow:HH:mm:ss.fff} {logLevel} {formatter(state, exception)}\n");
    }

    public void Dispose() { }
}
