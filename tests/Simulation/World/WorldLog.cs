using Microsoft.Extensions.Logging;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>What an agent warns of becomes a line of the timeline.</summary>
internal sealed class WorldLog(WorldHost host, SimulatedWorld world) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel)) world.Note($"{host.Name}: its agent says: {formatter(state, exception)}");
    }
}
